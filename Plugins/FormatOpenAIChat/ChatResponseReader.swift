import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a Chat Completions answer into a canonical response.
enum ChatResponseReader {
    /// - Throws: if the document is no answer of this format, or an error in the shape of one.
    static func read(
        _ document: JSONNode, context: borrowing ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        let choices = document["choices"]
        if let error = document["error"], !error.isNull, choices?.isArray != true || choices?.childCount == 0 {
            throw .invalid("the answer is an error: \(ErrorBody(document.tree).message)")
        }
        guard let choices, choices.isArray else {
            throw .invalid("`choices` must be an array in an answer of openai.chat")
        }
        var response = CanonicalResponse()
        var native = JSONObject()
        for (name, value) in document.members {
            switch name.text {
            case "id": response.id = value.stringValue ?? ""
            case "model": response.model = value.stringValue ?? ""
            case "created": response.created = value.intValue ?? value.tree.doubleValue.map { Int($0) }
            case "choices", "object": break
            case "usage":
                response.usage = ChatUsage(scanning: value.raw).counts
                native.append("usage", value.tree)
            case "service_tier": response.serviceTier = value.stringValue
            case let key: native.append(key, value.tree)
            }
        }
        let names = ChatFormat.toolNames(context.profile, context.request.toolNames)
        for (position, item) in choices.elements.enumerated() {
            response.choices.append(try choice(item, position, names, context))
        }
        if !native.isEmpty { response.native = CanonicalNative(format: ChatFormat.id, members: native) }
        return response
    }

    private static func choice(
        _ value: JSONNode, _ position: Int, _ names: IdentifierMap, _ context: borrowing ConversionContext
    ) throws(ConversionError) -> CanonicalChoice {
        var choice = CanonicalChoice(index: value["index"]?.intValue ?? position)
        var reader = ChatAssistantReader(index: position)
        if let message = value["message"] { try reader.read(message) }
        choice.parts = context.profile.thinkTags ? splitting(reader.parts) : reader.parts
        if !names.isIdentity { rename(&choice.parts, names) }
        if let logprobs = value["logprobs"], !logprobs.isNull { choice.logprobs = logprobs.tree }
        let hasRefusal = choice.parts.contains { if case .refusal = $0.content { true } else { false } }
        let finish = value["finish_reason"]?.stringValue.flatMap(ChatFormat.finish) ?? CanonicalFinish(.stop)
        choice.finish = ChatFormat.corrected(finish, hasToolCall: choice.hasToolCall, hasRefusal: hasRefusal)
        if !reader.native.isEmpty {
            choice.native = CanonicalNative(format: ChatFormat.id, members: ["message": .object(reader.native)])
        }
        return choice
    }

    /// The first text part without the reasoning it begins with, and that reasoning before it.
    private static func splitting(_ parts: [CanonicalPart]) -> [CanonicalPart] {
        guard let position = parts.firstIndex(where: { if case .text = $0.content { true } else { false } }),
            case .text(let text) = parts[position].content
        else { return parts }
        let pieces: [CanonicalPart] = ThinkTagSplitter.split(text).map { piece in
            switch piece {
            case .reasoning(let text): return CanonicalPart(.reasoning(CanonicalReasoning(text: text)))
            case .text(let text):
                var part = parts[position]
                part.content = .text(text)
                return part
            }
        }
        return Array(parts[..<position]) + pieces + Array(parts[(position + 1)...])
    }

    private static func rename(_ parts: inout [CanonicalPart], _ names: IdentifierMap) {
        for index in parts.indices {
            guard case .toolCall(var call) = parts[index].content else { continue }
            call.name = names.original(call.name)
            parts[index].content = .toolCall(call)
        }
    }
}
