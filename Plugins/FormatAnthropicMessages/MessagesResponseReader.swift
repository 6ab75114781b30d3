import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a Messages answer into a canonical response.
enum MessagesResponseReader {
    /// - Throws: if the document is no answer of this format, or an error in the shape of one.
    static func read(_ document: JSONValue, context: ConversionContext) throws(ConversionError) -> CanonicalResponse {
        if document["type"]?.stringValue == "error" || document["error"]?.nonNull != nil {
            throw .invalid("the answer is an error: \(ErrorBody(document).message)")
        }
        guard let blocks = document["content"]?.arrayValue else {
            throw .invalid("`content` must be an array in an answer of anthropic.messages")
        }
        var response = CanonicalResponse()
        response.id = document["id"]?.stringValue ?? ""
        response.model = document["model"]?.stringValue ?? ""
        var choice = CanonicalChoice(index: 0)
        let names = MessagesFormat.toolNames(context.profile, context.request.toolNames)
        for (index, block) in blocks.enumerated() {
            var part = try MessagesBlockReader.part(block, path: "content.\(index)")
            if !names.isIdentity, case .toolCall(var call) = part.content {
                call.name = names.original(call.name)
                part.content = .toolCall(call)
            }
            choice.parts.append(part)
        }
        let word = document["stop_reason"]?.stringValue ?? "end_turn"
        choice.finish = MessagesFormat.corrected(
            MessagesFormat.finish(word, stopSequence: document["stop_sequence"]?.stringValue),
            hasToolCall: choice.hasToolCall)
        response.choices = [choice]
        if let usage = document["usage"] { response.usage = MessagesUsage(usage).counts }
        response.serviceTier = document["usage"]?["service_tier"]?.stringValue
        response.native = native(document)
        return response
    }

    private static func native(_ document: JSONValue) -> CanonicalNative? {
        let consumed = ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence"]
        var members = JSONObject()
        for member in document.objectValue ?? JSONObject() where !consumed.contains(member.key) {
            members.append(member.key, member.value)
        }
        return members.isEmpty ? nil : CanonicalNative(format: MessagesFormat.id, members: members)
    }
}
