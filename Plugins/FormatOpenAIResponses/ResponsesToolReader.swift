import CanonicalChat
import PatchbayWire

/// Reads declarations of tools and the choice among them.
enum ResponsesToolReader {
    /// The tools of one declaration: several if it is a group of functions.
    static func tools(_ value: JSONValue, index: Int) throws(ConversionError) -> [CanonicalTool] {
        let path = "tools[\(index)]"
        guard let type = value["type"]?.stringValue else { throw .invalid("`\(path).type` must be a string") }
        switch type {
        case "function": return [try function(value, path: path)]
        case "custom": return [try custom(value, path: path)]
        case "namespace":
            if let tools = try group(value, path: path) { return tools }
        default: break
        }
        var tool = CanonicalTool(.server, name: type)
        tool.config = value
        return [tool]
    }

    private static func function(_ value: JSONValue, path: String) throws(ConversionError) -> CanonicalTool {
        guard let name = value["name"]?.stringValue, !name.isEmpty else {
            throw .invalid("`\(path).name` must be a non-empty string")
        }
        var tool = CanonicalTool(.function, name: name)
        var rest = JSONObject()
        for member in value.objectValue ?? JSONObject() {
            switch (member.key, member.value) {
            case ("type", _), ("name", _): break
            case ("description", .string(let text)): tool.description = text
            case ("parameters", .object): tool.schema = member.value
            case ("strict", .bool(let flag)): tool.strict = flag
            default: rest.append(member.key, member.value)
            }
        }
        if !rest.isEmpty { tool.native = CanonicalNative(format: ResponsesFormat.id, members: rest) }
        return tool
    }

    private static func custom(_ value: JSONValue, path: String) throws(ConversionError) -> CanonicalTool {
        guard let name = value["name"]?.stringValue, !name.isEmpty else {
            throw .invalid("`\(path).name` must be a non-empty string")
        }
        var tool = CanonicalTool(.custom, name: name)
        var rest = JSONObject()
        for member in value.objectValue ?? JSONObject() {
            switch (member.key, member.value) {
            case ("type", _), ("name", _): break
            case ("description", .string(let text)): tool.description = text
            case ("format", .object): tool.grammar = grammar(member.value)
            default: rest.append(member.key, member.value)
            }
        }
        if !rest.isEmpty { tool.native = CanonicalNative(format: ResponsesFormat.id, members: rest) }
        return tool
    }

    /// A grammar stands in an object of its own in the canonical model, as in Chat Completions.
    private static func grammar(_ format: JSONValue) -> JSONValue {
        guard format["type"]?.stringValue == "grammar", var members = format.objectValue else { return format }
        members.remove("type")
        return ["type": "grammar", "grammar": .object(members)]
    }

    /// The functions of a group under names of their own; nil if there is anything else in it.
    private static func group(_ value: JSONValue, path: String) throws(ConversionError) -> [CanonicalTool]? {
        guard let name = value["name"]?.stringValue, let list = value["tools"]?.arrayValue, !list.isEmpty,
            list.allSatisfy({ $0["type"]?.stringValue == "function" })
        else { return nil }
        var head = value.objectValue ?? JSONObject()
        head.remove("tools")
        var tools: [CanonicalTool] = []
        for (index, item) in list.enumerated() {
            var tool = try function(item, path: "\(path).tools[\(index)]")
            var members = tool.native?.members ?? JSONObject()
            members.append("$namespace", .object(head))
            members.append("$name", .string(tool.name))
            tool.native = CanonicalNative(format: ResponsesFormat.id, members: members)
            tool.name = ResponsesNamespace.joined(name, tool.name)
            tools.append(tool)
        }
        return tools
    }

    /// Reads `tool_choice`; nil for an empty string.
    static func choice(_ value: JSONValue) throws(ConversionError) -> CanonicalToolChoice? {
        if let word = value.stringValue {
            switch word {
            case "": return nil
            case "auto": return CanonicalToolChoice(.auto)
            case "none": return CanonicalToolChoice(.none)
            case "required", "any": return CanonicalToolChoice(.required)
            default: throw .invalid("`tool_choice` must be auto, none, required or an object")
            }
        }
        guard let type = value["type"]?.stringValue else { throw .invalid("`tool_choice.type` must be a string") }
        switch type {
        case "function", "custom":
            guard let name = (value["name"] ?? value["function"]?["name"])?.stringValue else {
                throw .invalid("`tool_choice.name` must be a string")
            }
            return CanonicalToolChoice(.named, names: [name], kind: type == "custom" ? .custom : .function)
        case "allowed_tools":
            let names = (value["tools"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            return CanonicalToolChoice(.allowed, names: names, required: value["mode"]?.stringValue == "required")
        default: return CanonicalToolChoice(.named, names: [value["server_label"]?.stringValue ?? type], kind: .server)
        }
    }
}
