import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a Responses request into a canonical request.
struct ResponsesRequestReader {
    private var request = CanonicalRequest()
    private var native = JSONObject()
    private let strict: Bool
    /// Position of the first item that is only named.
    private var reference: Int?

    private init(strict: Bool) {
        self.strict = strict
    }

    /// - Throws: the first field that is malformed.
    static func read(
        _ document: JSONValue, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        guard let members = document.objectValue else { throw .invalid("the body must be a JSON object") }
        var reader = ResponsesRequestReader(strict: context.strict)
        reader.request.origin = CanonicalOrigin(format: ResponsesFormat.id, dialect: context.dialect)
        if let text = members["instructions"]?.stringValue { reader.readInstructions(text) }
        for member in members { try reader.read(member) }
        guard !reader.request.model.isEmpty else { throw .invalid("`model` must be a non-empty string") }
        try reader.readInput(members["input"]?.nonNull)
        if let index = reader.reference {
            // Only the server that keeps the item knows what it says.
            context.lose(.fatal, "input.item_reference", at: "/input/\(index)")
        }
        if !reader.native.isEmpty {
            reader.request.native = CanonicalNative(format: ResponsesFormat.id, members: reader.native)
        }
        return reader.request
    }

    private mutating func read(_ member: JSONObject.Member) throws(ConversionError) {
        let value = member.value
        if value.isNull {
            if member.key != "model" && member.key != "input" { native.append(member.key, .null) }
            return
        }
        switch member.key {
        case "input": break
        case "model": request.model = try string(member)
        case "instructions": _ = try string(member)
        case "stream":
            request.stream.on = try flag(member)
            if !request.stream.on { native.append(member.key, false) }
        case "max_output_tokens":
            guard let limit = try number(member).intValue else {
                throw .invalid("`max_output_tokens` must be an integer")
            }
            request.limits.maxOutput = limit
            request.limits.source = member.key
        case "temperature", "top_p", "top_logprobs": request.sampling.values.append(member.key, try number(member))
        case "tools": try readTools(value)
        case "tool_choice":
            request.toolChoice = try ResponsesToolReader.choice(value)
            if value.objectValue != nil { native.append("$tool_choice", value) }
        case "parallel_tool_calls": request.parallelTools = try flag(member)
        default: try readRest(member)
        }
    }

    private mutating func readRest(_ member: JSONObject.Member) throws(ConversionError) {
        let value = member.value
        switch member.key {
        case "reasoning":
            request.reasoning.effort = value["effort"]?.stringValue
            let summary = value["summary"]?.nonNull ?? value["generate_summary"]?.nonNull
            if summary != nil { request.reasoning.expose = "summary" }
            native.append("$reasoning", value)
        case "text":
            request.output.format = Self.format(value["format"])
            request.output.verbosity = value["verbosity"]?.stringValue
            native.append("$text", value)
        case "include":
            let wantsLogprobs = value.arrayValue?.contains("message.output_text.logprobs") == true
            if wantsLogprobs { request.sampling.values.append("logprobs", true) }
            native.append(member.key, value)
        case "previous_response_id":
            // The host puts the conversation into the input; the answer repeats where it came from.
            native.append("$previous", value)
        case "metadata": request.metadata = value
        case "service_tier": request.serviceTier = try string(member)
        case "user": request.endUser = try string(member)
        case "safety_identifier":
            if request.endUser == nil { request.endUser = value.stringValue }
            native.append(member.key, value)
        default: native.append(member.key, value)
        }
    }

    // MARK: - Fields

    private mutating func readInstructions(_ text: String) {
        var turn = CanonicalTurn(role: .system, parts: text.isEmpty ? [] : [.text(text)], form: .string)
        turn.native = CanonicalNative(format: ResponsesFormat.id, members: ["$instructions": true])
        request.system.append(turn)
    }

    private mutating func readInput(_ value: JSONValue?) throws(ConversionError) {
        switch value {
        case .string(let text)?:
            native.append("$input", "string")
            request.turns = [CanonicalTurn(role: .user, parts: [.text(text)], form: .string)]
        case .array(let items)?:
            var reader = ResponsesInputReader()
            try reader.read(items)
            request.system += reader.system
            request.turns = reader.turns
            reference = reader.reference
        case nil:
            // A stored prompt or an earlier response may stand for the input.
            guard native["prompt"] != nil || native["$previous"] != nil else {
                throw .invalid("`input` must be a string or an array of items")
            }
            native.append("$input", "absent")
        default: throw .invalid("`input` must be a string or an array of items")
        }
    }

    private static func format(_ value: JSONValue?) -> CanonicalOutput.Format? {
        var format: CanonicalOutput.Format
        switch value?["type"]?.stringValue {
        case "text"?: format = CanonicalOutput.Format(kind: .text)
        case "json_object"?: format = CanonicalOutput.Format(kind: .json)
        case "json_schema"?:
            format = CanonicalOutput.Format(kind: .jsonSchema)
            format.name = value?["name"]?.stringValue
            format.description = value?["description"]?.stringValue
            format.schema = value?["schema"]
            format.strict = value?["strict"]?.boolValue
        default: return nil
        }
        return format
    }

    private mutating func readTools(_ value: JSONValue) throws(ConversionError) {
        guard let list = value.arrayValue else { throw .invalid("`tools` must be an array") }
        if list.isEmpty { native.append("$tools", value) }
        for (index, item) in list.enumerated() {
            request.tools += try ResponsesToolReader.tools(item, index: index)
        }
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
