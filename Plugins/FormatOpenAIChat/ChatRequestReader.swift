import CanonicalChat
import PatchbayWire

/// Turns a Chat Completions request into a canonical request.
struct ChatRequestReader {
    private var request = CanonicalRequest()
    private var native = JSONObject()
    private let strict: Bool

    private init(strict: Bool) {
        self.strict = strict
    }

    /// - Throws: the first field that is malformed.
    static func read(
        _ document: JSONValue, context: borrowing ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        guard let members = document.objectValue else { throw .invalid("the body must be a JSON object") }
        var reader = ChatRequestReader(strict: context.strict)
        reader.request.origin = CanonicalOrigin(format: ChatFormat.id, dialect: context.dialect)
        for member in members { try reader.read(member) }
        guard !reader.request.model.isEmpty else { throw .invalid("`model` must be a non-empty string") }
        guard let messages = members["messages"]?.arrayValue, !messages.isEmpty else {
            throw .invalid("`messages` must be a non-empty array")
        }
        var conversation = ChatMessagesReader()
        try conversation.read(messages)
        reader.request.system = conversation.system
        reader.request.turns = conversation.turns
        if !reader.native.isEmpty {
            reader.request.native = CanonicalNative(format: ChatFormat.id, members: reader.native)
        }
        return reader.request
    }

    private mutating func read(_ member: JSONObject.Member) throws(ConversionError) {
        let value = member.value
        if value.isNull {
            if member.key != "model" && member.key != "messages" { native.append(member.key, .null) }
            return
        }
        switch member.key {
        case "messages": break
        case "model": request.model = try string(member)
        case "stream":
            request.stream.on = try flag(member)
            if !request.stream.on { native.append(member.key, false) }
        case "stream_options": readStreamOptions(value)
        case "max_completion_tokens", "max_tokens": try readLimit(member)
        case "stop": try readStop(value)
        case "response_format": readFormat(value)
        case "tools": try readTools(value)
        case "functions": try readFunctions(value)
        case "tool_choice", "function_call": try readChoice(member)
        case "parallel_tool_calls": request.parallelTools = try flag(member)
        case "logit_bias": request.sampling.values.append(member.key, value)
        case "logprobs": request.sampling.values.append(member.key, .bool(try flag(member)))
        case let key where CanonicalSampling.names.contains(key):
            request.sampling.values.append(key, try number(member))
        default: try readRest(member)
        }
    }

    private mutating func readRest(_ member: JSONObject.Member) throws(ConversionError) {
        let value = member.value
        switch member.key {
        case "verbosity": request.output.verbosity = try string(member)
        case "modalities": request.output.modalities = value.arrayValue?.compactMap(\.stringValue) ?? []
        case "audio": request.output.audio = value
        case "metadata": request.metadata = value
        case "service_tier": request.serviceTier = try string(member)
        case "user": request.endUser = try string(member)
        case "safety_identifier":
            if request.endUser == nil { request.endUser = value.stringValue }
            native.append(member.key, value)
        case "reasoning_effort": request.reasoning.effort = try string(member)
        case "reasoning", "thinking", "enable_thinking", "thinking_budget":
            readReasoning(member)
            native.append(member.key, value)
        default: native.append(member.key, value)
        }
    }

    // MARK: - Fields

    private mutating func readStreamOptions(_ value: JSONValue) {
        request.stream.includeUsage = value["include_usage"]?.boolValue
        var rest = value.objectValue ?? JSONObject()
        rest.remove("include_usage")
        if !rest.isEmpty { native.append("stream_options", .object(rest)) }
    }

    private mutating func readLimit(_ member: JSONObject.Member) throws(ConversionError) {
        guard let limit = try number(member).intValue else {
            throw .invalid("`\(member.key)` must be an integer")
        }
        // The newer name wins if both are there.
        if request.limits.source == "max_completion_tokens" { return native.append(member.key, member.value) }
        if let source = request.limits.source, let old = request.limits.maxOutput { native.append(source, .int(old)) }
        request.limits.maxOutput = limit
        request.limits.source = member.key
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

    private mutating func readFormat(_ value: JSONValue) {
        var format: CanonicalOutput.Format
        switch value["type"]?.stringValue {
        case "text": format = CanonicalOutput.Format(kind: .text)
        case "json_object": format = CanonicalOutput.Format(kind: .json)
        case "json_schema":
            format = CanonicalOutput.Format(kind: .jsonSchema)
            let schema = value["json_schema"]
            format.name = schema?["name"]?.stringValue
            format.description = schema?["description"]?.stringValue
            format.schema = schema?["schema"]
            format.strict = schema?["strict"]?.boolValue
        default: return native.append("response_format", value)
        }
        request.output.format = format
    }

    /// Extensions of other vendors that say how much to think.
    private mutating func readReasoning(_ member: JSONObject.Member) {
        let value = member.value
        switch member.key {
        case "reasoning":
            if let effort = value["effort"]?.stringValue { request.reasoning.effort = effort }
            if let budget = value["max_tokens"]?.intValue { request.reasoning.budget = budget }
            if value["exclude"]?.boolValue == true { request.reasoning.expose = "none" }
            if value["enabled"]?.boolValue == true { request.reasoning.mode = .on }
        case "thinking":
            switch value["type"]?.stringValue {
            case "disabled": request.reasoning.mode = .off
            case "adaptive": request.reasoning.mode = .adaptive
            case "enabled": request.reasoning.mode = .on
            default: break
            }
            if let budget = value["budget_tokens"]?.intValue { request.reasoning.budget = budget }
        case "enable_thinking": request.reasoning.mode = value.boolValue == false ? .off : .on
        default: request.reasoning.budget = value.intValue
        }
    }

    // MARK: - Tools

    private mutating func readTools(_ value: JSONValue) throws(ConversionError) {
        guard let list = value.arrayValue else { throw .invalid("`tools` must be an array") }
        for (index, item) in list.enumerated() {
            request.tools.append(try ChatToolReader.tool(item, index: index))
        }
    }

    private mutating func readFunctions(_ value: JSONValue) throws(ConversionError) {
        guard let list = value.arrayValue else { throw .invalid("`functions` must be an array") }
        for (index, item) in list.enumerated() {
            var tool = try ChatToolReader.function(item, path: "functions[\(index)]")
            var members = tool.native?.members ?? JSONObject()
            members.append("$legacy", true)
            tool.native = CanonicalNative(format: ChatFormat.id, members: members)
            request.tools.append(tool)
        }
    }

    private mutating func readChoice(_ member: JSONObject.Member) throws(ConversionError) {
        guard let choice = try ChatToolReader.choice(member) else {
            // An empty string means nothing; some clients send it.
            return
        }
        request.toolChoice = choice
    }

    // MARK: - Scalars

    private func string(_ member: JSONObject.Member) throws(ConversionError) -> String {
        guard let text = member.value.stringValue else { throw .invalid("`\(member.key)` must be a string") }
        return text
    }

    /// A flag; `"true"` and `"false"` are accepted unless conversion is strict.
    private func flag(_ member: JSONObject.Member) throws(ConversionError) -> Bool {
        if let flag = member.value.boolValue { return flag }
        if !strict, let text = member.value.stringValue {
            if text == "true" || text == "1" { return true }
            if text == "false" || text == "0" { return false }
        }
        throw .invalid("`\(member.key)` must be true or false")
    }

    /// A number; a number written as a string is accepted unless conversion is strict.
    private func number(_ member: JSONObject.Member) throws(ConversionError) -> JSONValue {
        if case .number = member.value { return member.value }
        if !strict, let text = member.value.stringValue, let number = JSONNumber(lexeme: text) {
            return .number(number)
        }
        throw .invalid("`\(member.key)` must be a number")
    }
}
