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
        _ document: JSONNode, context: borrowing ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        guard document.isObject else { throw .invalid("the body must be a JSON object") }
        var reader = ChatRequestReader(strict: context.strict)
        reader.request.origin = CanonicalOrigin(format: ChatFormat.id, dialect: context.dialect)
        for (name, value) in document.members { try reader.read(name.text, value) }
        guard !reader.request.model.isEmpty else { throw .invalid("`model` must be a non-empty string") }
        guard let messages = document["messages"], messages.isArray, messages.childCount > 0 else {
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

    private mutating func read(_ key: String, _ value: JSONNode) throws(ConversionError) {
        if value.isNull {
            if key != "model" && key != "messages" { native.append(key, .null) }
            return
        }
        switch key {
        case "messages": break
        case "model": request.model = try string(key, value)
        case "stream":
            request.stream.on = try flag(key, value)
            if !request.stream.on { native.append(key, false) }
        case "stream_options": readStreamOptions(value)
        case "max_completion_tokens", "max_tokens": try readLimit(key, value)
        case "stop": try readStop(value)
        case "response_format": readFormat(value)
        case "tools": try readTools(value)
        case "functions": try readFunctions(value)
        case "tool_choice", "function_call": try readChoice(key, value)
        case "parallel_tool_calls": request.parallelTools = try flag(key, value)
        case "logit_bias": request.sampling.values.append(key, value.tree)
        case "logprobs": request.sampling.values.append(key, .bool(try flag(key, value)))
        case let key where CanonicalSampling.names.contains(key):
            request.sampling.values.append(key, try number(key, value))
        default: try readRest(key, value)
        }
    }

    private mutating func readRest(_ key: String, _ value: JSONNode) throws(ConversionError) {
        switch key {
        case "verbosity": request.output.verbosity = try string(key, value)
        case "modalities": request.output.modalities = value.elements.compactMap(\.stringValue)
        case "audio": request.output.audio = value.tree
        case "metadata": request.metadata = value.tree
        case "service_tier": request.serviceTier = try string(key, value)
        case "user": request.endUser = try string(key, value)
        case "safety_identifier":
            if request.endUser == nil { request.endUser = value.stringValue }
            native.append(key, value.tree)
        case "reasoning_effort": request.reasoning.effort = try string(key, value)
        case "reasoning", "thinking", "enable_thinking", "thinking_budget":
            readReasoning(key, value)
            native.append(key, value.tree)
        default: native.append(key, value.tree)
        }
    }

    // MARK: - Fields

    private mutating func readStreamOptions(_ value: JSONNode) {
        request.stream.includeUsage = value["include_usage"]?.boolValue
        var rest = value.tree.objectValue ?? JSONObject()
        rest.remove("include_usage")
        if !rest.isEmpty { native.append("stream_options", .object(rest)) }
    }

    private mutating func readLimit(_ key: String, _ value: JSONNode) throws(ConversionError) {
        guard let limit = try number(key, value).intValue else {
            throw .invalid("`\(key)` must be an integer")
        }
        // The newer name wins if both are there.
        if request.limits.source == "max_completion_tokens" { return native.append(key, value.tree) }
        if let source = request.limits.source, let old = request.limits.maxOutput { native.append(source, .int(old)) }
        request.limits.maxOutput = limit
        request.limits.source = key
    }

    private mutating func readStop(_ value: JSONNode) throws(ConversionError) {
        if let text = value.stringValue {
            request.sampling.stop = text.isEmpty ? [] : [text]
            native.append("$stop", "string")
        } else if value.isArray {
            request.sampling.stop = value.elements.compactMap(\.stringValue).filter { !$0.isEmpty }
        } else {
            throw .invalid("`stop` must be a string or an array of strings")
        }
    }

    private mutating func readFormat(_ value: JSONNode) {
        var format: CanonicalOutput.Format
        switch value["type"]?.stringValue {
        case "text": format = CanonicalOutput.Format(kind: .text)
        case "json_object": format = CanonicalOutput.Format(kind: .json)
        case "json_schema":
            format = CanonicalOutput.Format(kind: .jsonSchema)
            let schema = value["json_schema"]
            format.name = schema?["name"]?.stringValue
            format.description = schema?["description"]?.stringValue
            format.schema = schema?["schema"]?.tree
            format.strict = schema?["strict"]?.boolValue
        default: return native.append("response_format", value.tree)
        }
        request.output.format = format
    }

    /// Extensions of other vendors that say how much to think.
    private mutating func readReasoning(_ key: String, _ value: JSONNode) {
        switch key {
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

    private mutating func readTools(_ value: JSONNode) throws(ConversionError) {
        guard value.isArray else { throw .invalid("`tools` must be an array") }
        for (index, item) in value.elements.enumerated() {
            request.tools.append(try ChatToolReader.tool(item.tree, index: index))
        }
    }

    private mutating func readFunctions(_ value: JSONNode) throws(ConversionError) {
        guard value.isArray else { throw .invalid("`functions` must be an array") }
        for (index, item) in value.elements.enumerated() {
            var tool = try ChatToolReader.function(item.tree, path: "functions[\(index)]")
            var members = tool.native?.members ?? JSONObject()
            members.append("$legacy", true)
            tool.native = CanonicalNative(format: ChatFormat.id, members: members)
            request.tools.append(tool)
        }
    }

    private mutating func readChoice(_ key: String, _ value: JSONNode) throws(ConversionError) {
        guard let choice = try ChatToolReader.choice(JSONObject.Member(key: key, value: value.tree)) else {
            // An empty string means nothing; some clients send it.
            return
        }
        request.toolChoice = choice
    }

    // MARK: - Scalars

    private func string(_ key: String, _ value: JSONNode) throws(ConversionError) -> String {
        guard let text = value.stringValue else { throw .invalid("`\(key)` must be a string") }
        return text
    }

    /// A flag; `"true"` and `"false"` are accepted unless conversion is strict.
    private func flag(_ key: String, _ value: JSONNode) throws(ConversionError) -> Bool {
        if let flag = value.boolValue { return flag }
        if !strict, let text = value.stringValue {
            if text == "true" || text == "1" { return true }
            if text == "false" || text == "0" { return false }
        }
        throw .invalid("`\(key)` must be true or false")
    }

    /// A number; a number written as a string is accepted unless conversion is strict.
    private func number(_ key: String, _ value: JSONNode) throws(ConversionError) -> JSONValue {
        let value = value.tree
        if case .number = value { return value }
        if !strict, let text = value.stringValue, let number = JSONNumber(lexeme: text) {
            return .number(number)
        }
        throw .invalid("`\(key)` must be a number")
    }
}
