import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a Chat Completions answer into a canonical response.
enum ChatResponseReader {
    /// - Throws: if the document is no answer of this format, or an error in the shape of one.
    static func read(_ document: JSONValue, context: ConversionContext) throws(ConversionError) -> CanonicalResponse {
        if document["error"]?.nonNull != nil, document["choices"]?.arrayValue?.isEmpty != false {
            throw .invalid("the answer is an error: \(ErrorBody(document).message)")
        }
        guard let list = document["choices"]?.arrayValue else {
            throw .invalid("`choices` must be an array in an answer of openai.chat")
        }
        var response = CanonicalResponse()
        var native = JSONObject()
        for member in document.objectValue ?? JSONObject() {
            switch member.key {
            case "id": response.id = member.value.stringValue ?? ""
            case "model": response.model = member.value.stringValue ?? ""
            case "created": response.created = member.value.intValue ?? member.value.doubleValue.map { Int($0) }
            case "choices", "object": break
            case "usage":
                response.usage = ChatUsage(member.value).counts
                native.append(member.key, member.value)
            case "service_tier": response.serviceTier = member.value.stringValue
            default: native.append(member.key, member.value)
            }
        }
        let names = ChatFormat.toolNames(context.profile, context.request.toolNames)
        for (position, item) in list.enumerated() {
            response.choices.append(try choice(item, position, names, context))
        }
        if !native.isEmpty { response.native = CanonicalNative(format: ChatFormat.id, members: native) }
        return response
    }

    private static func choice(
        _ value: JSONValue, _ position: Int, _ names: IdentifierMap, _ context: ConversionContext
    ) throws(ConversionError) -> CanonicalChoice {
        var choice = CanonicalChoice(index: value["index"]?.intValue ?? position)
        var reader = ChatAssistantReader(index: position)
        try reader.read(value["message"] ?? .null)
        choice.parts = context.profile.thinkTags ? splitting(reader.parts) : reader.parts
        if !names.isIdentity { rename(&choice.parts, names) }
        choice.logprobs = value["logprobs"]?.nonNull
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
