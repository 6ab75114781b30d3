import CanonicalChat
import PatchbayWire

/// Turns a Completions request into a canonical request: the prompt is the text of one user turn.
struct CompletionsRequestReader {
    private var request = CanonicalRequest()
    private var native = JSONObject()

    /// - Throws: the first field that is malformed, and prompts that are no text or several.
    static func read(
        _ document: JSONValue, context: borrowing ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        guard let members = document.objectValue else { throw .invalid("the body must be a JSON object") }
        var reader = CompletionsRequestReader()
        reader.request.origin = CanonicalOrigin(format: CompletionsFormat.id, dialect: context.dialect)
        for member in members { try reader.read(member) }
        guard !reader.request.model.isEmpty else { throw .invalid("`model` must be a non-empty string") }
        guard !reader.request.turns.isEmpty else { throw .invalid("`prompt` must be a string") }
        reader.applyDefaults()
        return reader.request
    }

    private mutating func read(_ member: JSONObject.Member) throws(ConversionError) {
        let value = member.value
        guard !value.isNull else { return }
        switch member.key {
        case "model": request.model = try string(member)
        case "prompt": try readPrompt(value)
        case "stream": request.stream.on = try flag(member)
        case "stream_options": request.stream.includeUsage = value["include_usage"]?.boolValue
        case "max_tokens":
            guard let limit = value.intValue else { throw .invalid("`max_tokens` must be an integer") }
            request.limits.maxOutput = limit
            request.limits.source = member.key
        case "stop": try readStop(value)
        case "logprobs":
            guard case .number = value else { throw .invalid("`logprobs` must be an integer") }
            request.sampling.values.append("logprobs", true)
            request.sampling.values.append("top_logprobs", value)
        case "logit_bias": request.sampling.values.append(member.key, value)
        case "user": request.endUser = try string(member)
        case "echo": if try flag(member) { native.append(member.key, value) }
        case "best_of": if (value.intValue ?? 1) > 1 { native.append(member.key, value) }
        case let key where CanonicalSampling.names.contains(key):
            guard case .number = value else { throw .invalid("`\(key)` must be a number") }
            request.sampling.values.append(key, value)
        default: native.append(member.key, value)
        }
    }

    private mutating func readPrompt(_ value: JSONValue) throws(ConversionError) {
        var prompt = value
        if let list = value.arrayValue {
            guard list.count == 1, list[0].stringValue != nil else {
                throw ConversionError(
                    .unsupported,
                    "`prompt` must be one text to be sent in another format: send one request for each of several "
                        + "prompts, and text instead of tokens")
            }
            prompt = list[0]
            native.append("$prompt", "list")
        }
        guard let text = prompt.stringValue else { throw .invalid("`prompt` must be a string") }
        request.turns = [CanonicalTurn(role: .user, parts: [.text(text)], form: .string)]
    }

    private mutating func readStop(_ value: JSONValue) throws(ConversionError) {
        if let text = value.stringValue {
            request.sampling.stop = text.isEmpty ? [] : [text]
            native.append("$stop", "string")
        } else if let list = value.arrayValue {
            request.sampling.stop = list.compactMap(\.stringValue).filter { !$0.isEmpty }
        } else {
            throw .invalid("`stop` must be a string or an array of strings")
        }
    }

    private mutating func applyDefaults() {
        if request.limits.maxOutput == nil {
            request.limits.maxOutput = CompletionsFormat.defaultLimit
            native.append("$max_tokens", "default")
        }
        if !native.isEmpty { request.native = CanonicalNative(format: CompletionsFormat.id, members: native) }
    }

    private func string(_ member: JSONObject.Member) throws(ConversionError) -> String {
        guard let text = member.value.stringValue else { throw .invalid("`\(member.key)` must be a string") }
        return text
    }

    private func flag(_ member: JSONObject.Member) throws(ConversionError) -> Bool {
        guard let flag = member.value.boolValue else { throw .invalid("`\(member.key)` must be true or false") }
        return flag
    }
}
