import CanonicalChat
import PatchbayWire

/// Turns a Gemini request into a canonical request. The model and the wish for a stream are not in the body but in
/// the path, and come with the context.
struct GeminiRequestReader {
    private var request = CanonicalRequest()
    private var native = JSONObject()

    /// - Throws: the first field that is malformed.
    static func read(
        _ document: JSONValue, context: borrowing ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        guard let members = GeminiMembers.read(document) else { throw .invalid("the body must be a JSON object") }
        var reader = GeminiRequestReader()
        reader.request.origin = CanonicalOrigin(format: GeminiFormat.id, dialect: context.dialect)
        reader.request.model = context.requestedModel
        reader.request.stream.on = context.stream
        reader.request.stream.includeUsage = context.stream ? true : nil
        for member in members { try reader.read(member) }
        guard let contents = reader.contents(members["contents"]), !contents.isEmpty else {
            throw .invalid("`contents` must be a non-empty array")
        }
        var turns = GeminiContentsReader()
        try turns.read(contents)
        guard turns.turns.contains(where: { !$0.parts.isEmpty }) else {
            throw .invalid("`contents` must have a part")
        }
        reader.request.turns = turns.turns
        if !reader.native.isEmpty {
            reader.request.native = CanonicalNative(format: GeminiFormat.id, members: reader.native)
        }
        return reader.request
    }

    private func contents(_ value: JSONValue?) -> [JSONValue]? {
        switch value {
        case .array(let items)?: items
        case .object?, .string?: value.map { [$0] }
        default: nil
        }
    }

    private mutating func read(_ member: JSONObject.Member) throws(ConversionError) {
        let value = member.value
        if value.isNull { return }
        switch member.key {
        case "contents": break
        case "model": if request.model.isEmpty { request.model = value.stringValue ?? "" }
        case "systemInstruction": try readSystem(value)
        case "tools": request.tools = try GeminiToolReader.tools(value)
        case "toolConfig":
            let config = GeminiMembers.deep(value)
            request.toolChoice = try GeminiToolReader.choice(config)
            native.append(member.key, config)
        case "generationConfig": try readConfig(value)
        case "safetySettings": native.append(member.key, GeminiMembers.deep(value))
        case "serviceTier":
            native.append(member.key, value)
            switch value.stringValue?.lowercased() {
            case "standard"?: request.serviceTier = "default"
            case let tier?: request.serviceTier = tier
            case nil: break
            }
        default: native.append(member.key, value)
        }
    }

    private mutating func readSystem(_ value: JSONValue) throws(ConversionError) {
        var turn = CanonicalTurn(role: .system, form: .parts)
        var items: [JSONValue]?
        if var members = GeminiMembers.read(value), members["parts"] != nil {
            items = GeminiContentsReader.items(members.remove("parts"))
            if !members.isEmpty { turn.native = CanonicalNative(format: GeminiFormat.id, members: members) }
        } else {
            items = GeminiContentsReader.items(value)
        }
        guard let items else { throw .invalid("`systemInstruction` must be a content object") }
        for (index, item) in items.enumerated() {
            turn.parts += try GeminiPartReader.parts(item, path: "systemInstruction.parts.\(index)")
        }
        request.system = [turn]
    }

    // MARK: - Generation

    private mutating func readConfig(_ value: JSONValue) throws(ConversionError) {
        guard let members = GeminiMembers.read(value) else { throw .invalid("`generationConfig` must be an object") }
        var rest = JSONObject()
        for member in members where !member.value.isNull {
            if let name = Self.sampling[member.key] {
                request.sampling.values.append(name, try number(member))
            } else {
                try readConfig(member, &rest)
            }
        }
        if let mime = rest["responseMimeType"]?.stringValue { readOutput(mime, rest) }
        if !rest.isEmpty { native.append("generationConfig", .object(rest)) }
    }

    private static let sampling = [
        "temperature": "temperature", "topP": "top_p", "topK": "top_k", "candidateCount": "n", "seed": "seed",
        "presencePenalty": "presence_penalty", "frequencyPenalty": "frequency_penalty", "logprobs": "top_logprobs",
    ]

    private mutating func readConfig(
        _ member: JSONObject.Member, _ rest: inout JSONObject
    ) throws(ConversionError) {
        switch member.key {
        case "maxOutputTokens":
            guard let limit = member.value.protobufInt else {
                throw .invalid("`generationConfig.maxOutputTokens` must be an integer")
            }
            request.limits.maxOutput = limit
            request.limits.source = member.key
        case "stopSequences":
            guard let list = member.value.arrayValue else {
                throw .invalid("`generationConfig.stopSequences` must be an array of strings")
            }
            request.sampling.stop = list.compactMap(\.stringValue).filter { !$0.isEmpty }
        case "responseLogprobs": request.sampling.values.append("logprobs", member.value)
        case "responseModalities":
            request.output.modalities = (member.value.arrayValue ?? []).compactMap { $0.stringValue?.lowercased() }
            rest.append(member.key, member.value)
        case "thinkingConfig":
            let config = GeminiMembers.deep(member.value)
            readThinking(config)
            rest.append(member.key, config)
        case "speechConfig", "imageConfig", "mediaResolution": rest.append(member.key, GeminiMembers.deep(member.value))
        default: rest.append(member.key, member.value)
        }
    }

    /// Whole numbers may come as `40.0` or as a string; what is meant is written.
    private func number(_ member: JSONObject.Member) throws(ConversionError) -> JSONValue {
        let isWhole = ["topK", "candidateCount", "seed", "logprobs"].contains(member.key)
        if isWhole, let whole = member.value.protobufInt { return .int(whole) }
        guard let number = member.value.protobufNumber else {
            throw .invalid("`generationConfig.\(member.key)` must be a number")
        }
        return number
    }

    private mutating func readThinking(_ config: JSONValue) {
        if let budget = config["thinkingBudget"]?.protobufInt {
            // -1 leaves the amount to the model.
            request.reasoning.mode = budget == 0 ? .off : budget < 0 ? .adaptive : .on
            if budget >= 0 { request.reasoning.budget = budget }
        } else if let level = config["thinkingLevel"]?.stringValue?.lowercased(),
            level != "thinking_level_unspecified"
        {
            request.reasoning.effort = level
        }
        switch config["includeThoughts"]?.boolValue {
        case true?: request.reasoning.expose = "summary"
        // Alone it asks for nothing, since thoughts are hidden anyway.
        case false? where !request.reasoning.isEmpty: request.reasoning.expose = "none"
        default: break
        }
    }

    private mutating func readOutput(_ mime: String, _ config: JSONObject) {
        guard mime != "text/plain" else { return }
        let own = config["responseSchema"].map(GeminiSchemaReader.jsonSchema)
        guard let schema = config["responseJsonSchema"]?.nonNull ?? own else {
            if mime == "application/json" { request.output.format = CanonicalOutput.Format(kind: .json) }
            return
        }
        var format = CanonicalOutput.Format(kind: .jsonSchema)
        format.schema = schema
        format.strict = false
        request.output.format = format
    }
}
