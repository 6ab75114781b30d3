import CanonicalChat
import PatchbayWire

/// Turns a Messages request into a canonical request.
struct MessagesRequestReader {
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
        var reader = MessagesRequestReader(strict: context.strict)
        reader.request.origin = CanonicalOrigin(format: MessagesFormat.id, dialect: context.dialect)
        for (name, value) in document.members { try reader.read(name.text, value) }
        guard !reader.request.model.isEmpty else { throw .invalid("`model` must be a non-empty string") }
        guard let messages = document["messages"], messages.isArray, messages.childCount > 0 else {
            throw .invalid("`messages` must be a non-empty array")
        }
        try reader.readMessages(messages)
        if !reader.native.isEmpty {
            reader.request.native = CanonicalNative(format: MessagesFormat.id, members: reader.native)
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
        case "max_tokens":
            guard let limit = try number(key, value).intValue else { throw .invalid("`max_tokens` must be an integer") }
            request.limits.maxOutput = limit
            request.limits.source = key
        case "system": try readSystem(value)
        case "stream":
            request.stream.on = try flag(key, value)
            if !request.stream.on { native.append(key, false) }
        case "temperature", "top_p", "top_k": request.sampling.values.append(key, try number(key, value))
        case "stop_sequences":
            guard value.isArray else { throw .invalid("`stop_sequences` must be an array of strings") }
            request.sampling.stop = value.elements.compactMap(\.stringValue).filter { !$0.isEmpty }
        case "tools": try readTools(value)
        case "tool_choice": try readChoice(value)
        default: try readRest(key, value)
        }
    }

    private mutating func readRest(_ key: String, _ value: JSONNode) throws(ConversionError) {
        switch key {
        case "thinking":
            readThinking(value)
            native.append(key, value.tree)
        case "output_config":
            readOutput(value)
            native.append(key, value.tree)
        case "metadata":
            request.endUser = value["user_id"]?.stringValue
            var rest = value.tree.objectValue ?? JSONObject()
            if request.endUser != nil { rest.remove("user_id") }
            if !rest.isEmpty || request.endUser == nil { request.metadata = .object(rest) }
        case "service_tier": request.serviceTier = try string(key, value)
        default: native.append(key, value.tree)
        }
    }

    // MARK: - Conversation

    private mutating func readSystem(_ value: JSONNode) throws(ConversionError) {
        var turn = CanonicalTurn(role: .system)
        (turn.parts, turn.form) = try MessagesBlockReader.content(value, path: "system")
        request.system = [turn]
    }

    private mutating func readMessages(_ messages: JSONNode) throws(ConversionError) {
        request.turns.reserveCapacity(messages.childCount)
        for (index, message) in messages.elements.enumerated() {
            let role: CanonicalRole
            switch message["role"]?.stringValue {
            case "user"?: role = .user
            case "assistant"?: role = .assistant
            case "system"?: role = .system
            default: throw .invalid("`messages.\(index).role` must be user, assistant or system")
            }
            var turn = CanonicalTurn(role: role, form: .absent)
            var rest = JSONObject()
            for (name, value) in message.members {
                switch name.text {
                case "role": break
                case "content":
                    (turn.parts, turn.form) = try MessagesBlockReader.content(
                        value, path: "messages.\(index).content")
                case let key: rest.append(key, value.tree)
                }
            }
            if !rest.isEmpty { turn.native = CanonicalNative(format: MessagesFormat.id, members: rest) }
            request.turns.append(turn)
        }
    }

    // MARK: - Reasoning and output

    private mutating func readThinking(_ value: JSONNode) {
        switch value["type"]?.stringValue {
        case "enabled": request.reasoning.mode = .on
        case "adaptive": request.reasoning.mode = .adaptive
        case "disabled": request.reasoning.mode = .off
        case "between_tools": request.reasoning.mode = .betweenTools
        default: break
        }
        request.reasoning.budget = value["budget_tokens"]?.intValue
        switch value["display"]?.stringValue {
        case "omitted": request.reasoning.expose = "none"
        case "summarized": request.reasoning.expose = "summary"
        default: break
        }
    }

    private mutating func readOutput(_ value: JSONNode) {
        if let effort = value["effort"]?.stringValue { request.reasoning.effort = effort }
        guard let wire = value["format"], wire["type"]?.stringValue == "json_schema" else { return }
        var format = CanonicalOutput.Format(kind: .jsonSchema)
        format.schema = wire["schema"]?.tree
        format.name = wire["name"]?.stringValue
        request.output.format = format
    }

    // MARK: - Tools

    private mutating func readTools(_ value: JSONNode) throws(ConversionError) {
        guard value.isArray else { throw .invalid("`tools` must be an array") }
        for (index, item) in value.elements.enumerated() { request.tools.append(try tool(item.tree, index)) }
    }

    private func tool(_ value: JSONValue, _ index: Int) throws(ConversionError) -> CanonicalTool {
        let type = value["type"]?.nonNull?.stringValue
        let server = type == nil ? nil : value["mcp_server_name"]
        guard let name = (value["name"] ?? server)?.stringValue else {
            throw .invalid("`tools.\(index).name` must be a string")
        }
        guard type == nil || type == "custom" else {
            var tool = CanonicalTool(.server, name: name)
            tool.config = value
            return tool
        }
        var tool = CanonicalTool(.function, name: name)
        var rest = JSONObject()
        for member in value.objectValue ?? JSONObject() {
            switch member.key {
            case "name": break
            case "description": tool.description = member.value.stringValue
            case "input_schema": tool.schema = member.value
            case "strict": tool.strict = member.value.boolValue
            case "cache_control" where !member.value.isNull:
                tool.cache = CanonicalCache(origin: "anthropic", value: member.value)
            default: rest.append(member.key, member.value)
            }
        }
        if !rest.isEmpty { tool.native = CanonicalNative(format: MessagesFormat.id, members: rest) }
        return tool
    }

    private mutating func readChoice(_ value: JSONNode) throws(ConversionError) {
        switch value["type"]?.stringValue {
        case "auto"?: request.toolChoice = CanonicalToolChoice(.auto)
        case "any"?: request.toolChoice = CanonicalToolChoice(.required)
        case "none"?: request.toolChoice = CanonicalToolChoice(.none)
        case "tool"?:
            guard let name = value["name"]?.stringValue else { throw .invalid("`tool_choice.name` must be a string") }
            request.toolChoice = CanonicalToolChoice(.named, names: [name])
        default: throw .invalid("`tool_choice.type` must be auto, any, tool or none")
        }
        if let disabled = value["disable_parallel_tool_use"]?.boolValue { request.parallelTools = !disabled }
    }

    // MARK: - Scalars

    private func string(_ key: String, _ value: JSONNode) throws(ConversionError) -> String {
        guard let text = value.stringValue else { throw .invalid("`\(key)` must be a string") }
        return text
    }

    private func flag(_ key: String, _ value: JSONNode) throws(ConversionError) -> Bool {
        if let flag = value.boolValue { return flag }
        if !strict, let text = value.stringValue, text == "true" || text == "false" { return text == "true" }
        throw .invalid("`\(key)` must be true or false")
    }

    private func number(_ key: String, _ value: JSONNode) throws(ConversionError) -> JSONValue {
        let value = value.tree
        if case .number = value { return value }
        if !strict, let text = value.stringValue, let number = JSONNumber(lexeme: text) {
            return .number(number)
        }
        throw .invalid("`\(key)` must be a number")
    }
}
