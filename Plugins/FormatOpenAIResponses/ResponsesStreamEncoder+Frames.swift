import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// The frames of items and of their contents.
extension ResponsesStreamEncoder {
    mutating func writeAdded(_ item: Int, _ output: inout [UInt8]) {
        let value = items[item]
        frame("response.output_item.added", &output) { writer in
            writer.member("output_index", item)
            writer.key("item")
            value.write(status: .inProgress, into: &writer)
        }
    }

    // MARK: - Messages

    /// Begins a content part and returns its index.
    mutating func openContent(_ item: Int, isRefusal: Bool, _ output: inout [UInt8]) -> Int {
        let content = ResponsesEncoderItem.Content(isRefusal: isRefusal)
        let index = items[item].contents.count
        items[item].contents.append(content)
        contentFrame("response.content_part.added", content, item, index, &output)
        return index
    }

    private mutating func contentFrame(
        _ type: StaticString, _ content: ResponsesEncoderItem.Content, _ item: Int, _ index: Int,
        _ output: inout [UInt8]
    ) {
        let id = items[item].id
        frame(type, &output) { writer in
            writer.member("item_id", id)
            writer.member("output_index", item)
            writer.member("content_index", index)
            writer.key("part")
            content.write(into: &writer)
        }
    }

    mutating func writeText(
        _ text: String, _ item: Int, _ content: Int, isRefusal: Bool, _ output: inout [UInt8]
    ) {
        let id = items[item].id
        frame(isRefusal ? "response.refusal.delta" : "response.output_text.delta", &output) { writer in
            writer.member("item_id", id)
            writer.member("output_index", item)
            writer.member("content_index", content)
            writer.member("delta", text)
            if !isRefusal { writer.member("logprobs", .emptyArray) }
        }
    }

    mutating func finishContent(_ item: Int, _ index: Int, _ output: inout [UInt8]) {
        guard !items[item].contents[index].isClosed else { return }
        items[item].contents[index].isClosed = true
        let content = items[item].contents[index]
        let id = items[item].id
        frame(content.isRefusal ? "response.refusal.done" : "response.output_text.done", &output) { writer in
            writer.member("item_id", id)
            writer.member("output_index", item)
            writer.member("content_index", index)
            writer.member(content.isRefusal ? "refusal" : "text", content.text)
            if !content.isRefusal { writer.member("logprobs", .emptyArray) }
        }
        contentFrame("response.content_part.done", content, item, index, &output)
    }

    // MARK: - Reasoning

    mutating func openSummary(_ item: Int, _ output: inout [UInt8]) {
        summaryFrame("response.reasoning_summary_part.added", item, &output) { writer in
            writer.key("part")
            ResponsesItem.summaryPart("", into: &writer)
        }
    }

    mutating func writeSummary(_ text: String, _ item: Int, _ output: inout [UInt8]) {
        summaryFrame("response.reasoning_summary_text.delta", item, &output) { $0.member("delta", text) }
    }

    private mutating func finishSummary(_ item: Int, _ output: inout [UInt8]) {
        let text = items[item].text
        guard !text.isEmpty else { return }
        summaryFrame("response.reasoning_summary_text.done", item, &output) { $0.member("text", text) }
        summaryFrame("response.reasoning_summary_part.done", item, &output) { writer in
            writer.key("part")
            ResponsesItem.summaryPart(text, into: &writer)
        }
    }

    private mutating func summaryFrame(
        _ type: StaticString, _ item: Int, _ output: inout [UInt8], _ body: (inout JSONWriter) -> Void
    ) {
        let id = items[item].id
        frame(type, &output) { writer in
            writer.member("item_id", id)
            writer.member("output_index", item)
            writer.member("summary_index", 0)
            body(&writer)
        }
    }

    // MARK: - Calls

    /// Arguments as they come; those of a free-text tool only if they are not wrapped in JSON.
    mutating func writeArguments(_ text: String, _ item: Int, _ output: inout [UInt8]) {
        let call = items[item]
        guard !call.isCustom || call.isText else { return }
        frame(
            call.isCustom ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta", &output
        ) { writer in
            writer.member("item_id", call.id)
            writer.member("output_index", item)
            writer.member("delta", text)
        }
    }

    private mutating func finishCall(_ item: Int, _ output: inout [UInt8]) {
        if items[item].text.isEmpty, !items[item].isCustom {
            items[item].text = "{}"
            writeArguments("{}", item, &output)
        }
        let call = items[item]
        let text = call.callText
        if call.isCustom, !call.isText {
            frame("response.custom_tool_call_input.delta", &output) { writer in
                writer.member("item_id", call.id)
                writer.member("output_index", item)
                writer.member("delta", text)
            }
        }
        frame(
            call.isCustom ? "response.custom_tool_call_input.done" : "response.function_call_arguments.done", &output
        ) { writer in
            writer.member("item_id", call.id)
            writer.member("output_index", item)
            if !call.isCustom { writer.member("name", call.name) }
            writer.member(call.isCustom ? "input" : "arguments", text)
        }
    }

    // MARK: - Completion

    /// Says everything that makes an item complete.
    mutating func finishItem(_ item: Int, _ output: inout [UInt8]) {
        guard !items[item].isDone else { return }
        switch items[item].kind {
        case .message: for index in items[item].contents.indices { finishContent(item, index, &output) }
        case .reasoning: finishSummary(item, &output)
        case .call: finishCall(item, &output)
        case .image:
            let id = items[item].id
            frame("response.image_generation_call.completed", &output) { writer in
                writer.member("item_id", id)
                writer.member("output_index", item)
            }
        case .native: break
        }
        items[item].isDone = true
        let value = items[item]
        frame("response.output_item.done", &output) { writer in
            writer.member("output_index", item)
            writer.key("item")
            value.write(status: .completed, into: &writer)
        }
    }
}
