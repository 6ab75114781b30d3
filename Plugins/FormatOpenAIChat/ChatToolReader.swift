import CanonicalChat
import PatchbayWire

/// Reads declarations of tools and the choice among them.
enum ChatToolReader {
    static func tool(_ value: JSONValue, index: Int) throws(ConversionError) -> CanonicalTool {
        let path = "tools[\(index)]"
        guard let type = value["type"]?.stringValue ?? (value["function"] == nil ? nil : "function") else {
            throw .invalid("`\(path).type` must be a string")
        }
        var tool: CanonicalTool
        switch type {
        case "function":
            tool = try function(value["function"] ?? .null, path: path + ".function")
        case "custom":
            tool = CanonicalTool(.custom, name: value["custom"]?["name"]?.stringValue ?? "")
            guard !tool.name.isEmpty else { throw .invalid("`\(path).custom.name` must be a non-empty string") }
            tool.description = value["custom"]?["description"]?.stringValue
            tool.grammar = value["custom"]?["format"]
        default:
            tool = CanonicalTool(.server, name: type)
            tool.config = value
            return tool
        }
        readExtras(of: value, into: &tool)
        return tool
    }

    /// The inside of a function declaration.
    static func function(_ value: JSONValue, path: String) throws(ConversionError) -> CanonicalTool {
        guard let name = value["name"]?.stringValue, !name.isEmpty else {
            throw .invalid("`\(path).name` must be a non-empty string")
        }
        var tool = CanonicalTool(.function, name: name)
        var rest = JSONObject()
        for member in value.objectValue ?? JSONObject() {
            switch member.key {
            case "name": break
            case "description": tool.description = member.value.stringValue
            case "parameters": tool.schema = member.value.nonNull
            case "strict": tool.strict = member.value.boolValue
            default: rest.append(member.key, member.value)
            }
        }
        if !rest.isEmpty { tool.native = CanonicalNative(format: ChatFormat.id, members: ["$function": .object(rest)]) }
        return tool
    }

    private static func readExtras(of value: JSONValue, into tool: inout CanonicalTool) {
        for member in value.objectValue ?? JSONObject() {
            switch member.key {
            case "type", "function", "custom": break
            case "cache_control": tool.cache = CanonicalCache(origin: "anthropic", value: member.value)
            default:
                var native = tool.native ?? CanonicalNative(format: ChatFormat.id)
                native.members.append(member.key, member.value)
                tool.native = native
            }
        }
    }

    /// Reads `tool_choice` or the older `function_call`; nil for an empty string.
    static func choice(_ member: JSONObject.Member) throws(ConversionError) -> CanonicalToolChoice? {
        if let word = member.value.stringValue {
            switch word {
            case "": return nil
            case "auto": return CanonicalToolChoice(.auto)
            case "none": return CanonicalToolChoice(.none)
            case "required", "any": return CanonicalToolChoice(.required)
            default: throw .invalid("`\(member.key)` must be auto, none, required or an object")
            }
        }
        let value = member.value
        if let name = (value["function"]?["name"] ?? value["name"])?.stringValue {
            return CanonicalToolChoice(.named, names: [name])
        }
        if let name = value["custom"]?["name"]?.stringValue {
            return CanonicalToolChoice(.named, names: [name], kind: .custom)
        }
        if let allowed = value["allowed_tools"] {
            let names = (allowed["tools"]?.arrayValue ?? []).compactMap {
                ($0["function"]?["name"] ?? $0["custom"]?["name"] ?? $0["name"])?.stringValue
            }
            return CanonicalToolChoice(.allowed, names: names, required: allowed["mode"]?.stringValue == "required")
        }
        throw .invalid("`\(member.key)` must name a function, a custom tool or a set of allowed tools")
    }
}
