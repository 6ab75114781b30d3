import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a Messages answer into a canonical response.
enum MessagesResponseReader {
    /// - Throws: if the document is no answer of this format, or an error in the shape of one.
    static func read(
        _ document: JSONNode, context: borrowing ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        if document["type"]?.equals("error") == true || document["error"].map({ !$0.isNull }) == true {
            throw .invalid("the answer is an error: \(ErrorBody(document.tree).message)")
        }
        guard let blocks = document["content"], blocks.isArray else {
            throw .invalid("`content` must be an array in an answer of anthropic.messages")
        }
        var response = CanonicalResponse()
        response.id = document["id"]?.stringValue ?? ""
        response.model = document["model"]?.stringValue ?? ""
        var choice = CanonicalChoice(index: 0)
        let names = MessagesFormat.toolNames(context.profile, context.request.toolNames)
        choice.parts = try MessagesBlockReader.parts(blocks) { "content.\($0)" }
        if !names.isIdentity {
            for index in choice.parts.indices {
                guard case .toolCall(var call) = choice.parts[index].content else { continue }
                call.name = names.original(call.name)
                choice.parts[index].content = .toolCall(call)
            }
        }
        let word = document["stop_reason"]?.stringValue ?? "end_turn"
        choice.finish = MessagesFormat.corrected(
            MessagesFormat.finish(word, stopSequence: document["stop_sequence"]?.stringValue),
            hasToolCall: choice.hasToolCall)
        response.choices = [choice]
        if let usage = document["usage"] {
            response.usage = MessagesUsage(scanning: usage.raw).counts
            response.serviceTier = usage["service_tier"]?.stringValue
        }
        response.native = native(document)
        return response
    }

    private static func native(_ document: JSONNode) -> CanonicalNative? {
        var members = JSONObject()
        for (name, value) in document.members {
            switch name.text {
            case "id", "type", "role", "model", "content", "stop_reason", "stop_sequence": break
            case let key: members.append(key, value.tree)
            }
        }
        return members.isEmpty ? nil : CanonicalNative(format: MessagesFormat.id, members: members)
    }
}
