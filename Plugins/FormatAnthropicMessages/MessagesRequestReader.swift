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
        _ document: JSONValue, context: borrowing ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        guard let members = document.objectValue else { throw .invalid("the body must be a JSON object") }
        var reader = MessagesRequestReader(strict: context.strict)
        reader.request.origin = CanonicalOrigin(format: MessagesFormat.id, dialect: context.dialect)
        for member in members { try reader.read(member) }
        guard !reader.request.model.isEmpty else { throw .invalid("`model` must be a non-empty string") }
        guard let messages = members["messages"]?.arrayValue, !messages.isEmpty else {
            throw .invalid("`messages` must be a non-empty array")
        }
        try reader.readMessages(messages)
        if !reader.native.isEmpty {
            reader.request.native = CanonicalNative(format: MessagesFormat.id, members: reader.native)
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
        case "max_tokens":
            guard let limit = try number(member).intValue else { throw .invalid("`max_tokens` must be an integer") }
            request.limits.maxOutput = limit
            request.limits.source = member.key
        case "system": try readSystem(value)
        case "stream":
            request.stream.on = try flag(member)
            if !request.stream.on { native.append(member.key, false) }
        case "temperature", "top_p", "top_k": request.sampling.values.append(member.key, try number(member))
        case "stop_sequences":
            guard let list = value.arrayValue else { throw .invalid("`stop_sequences` must be an array of strings") }
            request.sampling.stop = list.compactMap(\.stringValue).filter { !$0.isEmpty }
        case "tools": try readTools(value)
        case "tool_choice": try readChoice(value)
        default: try readRest(member)
        }
    }

    private mutating func readRest(_ member: JSONObject.Member) throws(ConversionError) {
        let value = member.value
        switch member.key {
        case "thinking":
            readThinking(value)
            native.append(member.key, value)
        case "output_config":
            readOutput(value)
            native.append(member.key, value)
        case "metadata":
            request.endUser = value["user_id"]?.stringValue
            var rest = value.objectValue ?? JSONObject()
            if request.endUser != nil { rest.remove("user_id") }
            if !rest.isEmpty || request.endUser == nil { request.metadata = .object(rest) }
        case "service_tier": request.serviceTier = try string(member)
        default: native.append(member.key, value)
        }
    }

    // MARK: - Conversation

    private mutating func readSystem(_ value: JSONValue) throws(ConversionError) {
        var turn = CanonicalTurn(role: .system)
        (turn.parts, turn.form) = try MessagesBlockReader.content(value, path: "system")
        request.system = [turn]
    }

    private mutating func readMessages(_ messages: [JSONValue]) throws(ConversionError) {
        request.turns.reserveCapacity(messages.count)
        for (index, message) in messages.enumerated() {
            let role: CanonicalRole
            switch message["role"]?.stringValue {
            case "user"?: role = .user
            case "assistant"?: role = .assistant
            case "system"?: role = .system
            default: throw .invalid("`messages.\(index).role` must be user, assistant or system")
            }
            var turn = CanonicalTurn(role: role, form: .absent)
            var rest = JSONObject()
            for member in message.objectValue ?? JSONObject() {
                switch member.key {
                case "role": break
                case "content":
                    (turn.parts, turn.form) = try MessagesBlockReader.content(
                        member.value, path: "messages.\(index).content")
                default: rest.append(member.key, member.value)
                }
            }
            if !rest.isEmpty { turn.native = CanonicalNative(format: MessagesFormat.id, members: rest) }
            request.turns.append(turn)
        }
    }

    // MARK: - Reasoning and output

    private mutating func readThinking(_ value: JSONValue) {
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

    private mutating func readOutput(_ value: JSONValue) {
        if let effort = value["effort"]?.stringValue { request.reasoning.effort = effort }
        guard let wire = value["format"], wire["type"]?.stringValue == "json_schema" else { return }
        var format = CanonicalOutput.Format(kind: .jsonSchema)
        format.schema = wire["schema"]
        format.name = wire["name"]?.stringValue
        request.output.format = format
    }

    // MARK: - Tools

    private mutating func readTools(_ value: JSONValue) throws(ConversionError) {
        guard let list = value.arrayValue else { throw .invalid("`tools` must be an array") }
        for (index, item) in list.enumerated() { request.tools.append(try tool(item, index)) }
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

    private mutating func readChoice(_ value: JSONValue) throws(ConversionError) {
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

    private func string(_ member: JSONObject.Member) throws(ConversionError) -> String {
        guard let text = member.value.stringValue else { throw .invalid("`\(member.key)` must be a string") }
        return text
    }

    private func flag(_ member: JSONObject.Member) throws(ConversionError) -> Bool {
        if let flag = member.value.boolValue { return flag }
        if !strict, let text = member.value.stringValue, text == "true" || text == "false" { return text == "true" }
        throw .invalid("`\(member.key)` must be true or false")
    }

    private func number(_ member: JSONObject.Member) throws(ConversionError) -> JSONValue {
        if case .number = member.value { return member.value }
        if !strict, let text = member.value.stringValue, let number = JSONNumber(lexeme: text) {
            return .number(number)
        }
        throw .invalid("`\(member.key)` must be a number")
    }
}
