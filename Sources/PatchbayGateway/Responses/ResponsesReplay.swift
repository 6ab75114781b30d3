import PatchbayWire

/// A kept response as the stream that it might have come in: `GET /v1/responses/{id}?stream=true` (formats.md section
/// 2.2). What came in many deltas comes in one here.
struct ResponsesReplay {
    /// Number of the last event that the client has; -1 = none.
    private let after: Int
    private var sequence = 0
    private var output: [UInt8] = []

    /// The events behind a number. A document that cannot be read has none.
    static func stream(_ document: [UInt8], after: Int) -> [UInt8] {
        guard let response = try? JSONValue(parsing: document) else { return [] }
        var replay = ResponsesReplay(after: after)
        replay.write(response)
        return replay.output
    }

    private init(after: Int) {
        self.after = after
    }

    private mutating func write(_ response: JSONValue) {
        var begun = response
        begun["status"] = "in_progress"
        begun["output"] = .emptyArray
        for name in ["usage", "incomplete_details", "error"] where begun[name] != nil { begun[name] = .null }
        event("response.created", ["response": begun])
        event("response.in_progress", ["response": begun])
        for (index, item) in (response["output"]?.arrayValue ?? []).enumerated() { write(item, at: index) }
        let status = response["status"]?.stringValue ?? "completed"
        event("response." + status, ["response": response])
    }

    // MARK: - Items

    private mutating func write(_ item: JSONValue, at index: Int) {
        let place: JSONObject = ["item_id": item["id"] ?? .null, "output_index": .int(index)]
        var begun = item
        if begun["status"] != nil { begun["status"] = "in_progress" }
        switch item["type"]?.stringValue {
        case "message"?: begun["content"] = .emptyArray
        case "reasoning"?:
            begun["summary"] = .emptyArray
            if begun["content"] != nil { begun["content"] = .emptyArray }
        case "function_call"?: begun["arguments"] = ""
        case "custom_tool_call"?: begun["input"] = ""
        default: break
        }
        event("response.output_item.added", ["output_index": .int(index), "item": begun])
        switch item["type"]?.stringValue {
        case "message"?, "reasoning"?: writeParts(of: item, place)
        case "function_call"?: writeInput(item, "arguments", "response.function_call_arguments", place)
        case "custom_tool_call"?: writeInput(item, "input", "response.custom_tool_call_input", place)
        default: break
        }
        event("response.output_item.done", ["output_index": .int(index), "item": item])
    }

    private mutating func writeInput(_ item: JSONValue, _ member: String, _ kind: String, _ place: JSONObject) {
        let text = item[member] ?? ""
        event(kind + ".delta", place, ["delta": text])
        event(kind + ".done", place, [member: text])
    }

    private mutating func writeParts(of item: JSONValue, _ place: JSONObject) {
        for (index, part) in (item["summary"]?.arrayValue ?? []).enumerated() {
            var place = place
            place.append("summary_index", .int(index))
            write(part, "text", Kinds("response.reasoning_summary_part", "response.reasoning_summary_text"), place)
        }
        for (index, part) in (item["content"]?.arrayValue ?? []).enumerated() {
            var place = place
            place.append("content_index", .int(index))
            let isRefusal = part["type"] == "refusal"
            let text = part["type"]?.stringValue ?? "output_text"
            write(part, isRefusal ? "refusal" : "text", Kinds("response.content_part", "response." + text), place)
        }
    }

    /// Names of the events of a part and of what is in it.
    private struct Kinds {
        let part: String
        let text: String

        init(_ part: String, _ text: String) {
            self.part = part
            self.text = text
        }
    }

    private mutating func write(_ part: JSONValue, _ member: String, _ kinds: Kinds, _ place: JSONObject) {
        let text = part[member] ?? ""
        var begun = part
        begun[member] = ""
        if begun["annotations"] != nil { begun["annotations"] = .emptyArray }
        event(kinds.part + ".added", place, ["part": begun])
        let isText = kinds.text == "response.output_text"
        event(kinds.text + ".delta", place, isText ? ["delta": text, "logprobs": []] : ["delta": text])
        for (index, annotation) in (part["annotations"]?.arrayValue ?? []).enumerated() {
            event(
                "response.output_text.annotation.added", place,
                ["annotation_index": .int(index), "annotation": annotation])
        }
        event(
            kinds.text + ".done", place,
            isText ? ["text": text, "logprobs": part["logprobs"] ?? .emptyArray] : [member: text])
        event(kinds.part + ".done", place, ["part": part])
    }

    // MARK: - Events

    private mutating func event(_ kind: String, _ members: JSONObject, _ more: JSONObject = [:]) {
        defer { sequence += 1 }
        guard sequence > after else { return }
        output.append(contentsOf: "event: \(kind)\ndata: ".utf8)
        var event: JSONObject = ["type": .string(kind), "sequence_number": .int(sequence)]
        for member in members { event.append(member.key, member.value) }
        for member in more { event.append(member.key, member.value) }
        output.append(contentsOf: JSONValue.object(event).serialised())
        output.append(contentsOf: "\n\n".utf8)
    }
}
