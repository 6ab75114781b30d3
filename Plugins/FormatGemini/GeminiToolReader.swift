import CanonicalChat
import PatchbayWire

/// Reads `tools` and `toolConfig`.
enum GeminiToolReader {
    /// The tools of a request: functions one by one, and each tool that Google runs by itself.
    static func tools(_ value: JSONValue) throws(ConversionError) -> [CanonicalTool] {
        guard let groups = value.arrayValue ?? value.objectValue.map({ [.object($0)] }) else {
            throw .invalid("`tools` must be an array")
        }
        var tools: [CanonicalTool] = []
        for (index, group) in groups.enumerated() {
            guard let members = GeminiMembers.read(group) else { throw .invalid("`tools.\(index)` must be an object") }
            for member in members where !member.value.isNull {
                if member.key == "functionDeclarations" {
                    for (position, item) in (member.value.arrayValue ?? []).enumerated() {
                        tools.append(try function(item, index, position))
                    }
                } else {
                    var tool = CanonicalTool(.server, name: member.key)
                    tool.config = .object([member.key: member.value])
                    tool.native = Self.group(index)
                    tools.append(tool)
                }
            }
        }
        return tools
    }

    /// Remembers which entry of `tools` a tool stood in.
    private static func group(_ index: Int) -> CanonicalNative {
        CanonicalNative(format: GeminiFormat.id, members: ["$group": .int(index)])
    }

    private static func function(
        _ value: JSONValue, _ group: Int, _ position: Int
    ) throws(ConversionError) -> CanonicalTool {
        guard let members = GeminiMembers.read(value), let name = members["name"]?.stringValue, !name.isEmpty else {
            throw .invalid("`tools.\(group).functionDeclarations.\(position).name` must be a non-empty string")
        }
        var tool = CanonicalTool(.function, name: name)
        var native = Self.group(group)
        for member in members {
            switch member.key {
            case "name": break
            case "description": tool.description = member.value.stringValue
            case "parametersJsonSchema" where !member.value.isNull: tool.schema = member.value
            case "parameters" where !member.value.isNull:
                tool.schema = tool.schema ?? GeminiSchemaReader.jsonSchema(member.value)
                native.members.append(member.key, member.value)
            default: native.members.append(member.key, member.value)
            }
        }
        tool.native = native
        return tool
    }

    /// The choice that `functionCallingConfig` stands for.
    static func choice(_ config: JSONValue) throws(ConversionError) -> CanonicalToolChoice? {
        guard let calling = config["functionCallingConfig"]?.nonNull else { return nil }
        let names = calling["allowedFunctionNames"]?.arrayValue?.compactMap(\.stringValue) ?? []
        switch calling["mode"]?.stringValue?.uppercased() {
        case nil, ""?, "MODE_UNSPECIFIED"?: return names.isEmpty ? nil : CanonicalToolChoice(.allowed, names: names)
        case "AUTO"?: return CanonicalToolChoice(.auto)
        case "NONE"?: return CanonicalToolChoice(.none)
        case "VALIDATED"?:
            return names.isEmpty ? CanonicalToolChoice(.auto) : CanonicalToolChoice(.allowed, names: names)
        case "ANY"?:
            switch names.count {
            case 0: return CanonicalToolChoice(.required)
            case 1: return CanonicalToolChoice(.named, names: names)
            default: return CanonicalToolChoice(.allowed, names: names, required: true)
            }
        default: throw .invalid("`toolConfig.functionCallingConfig.mode` must be AUTO, ANY, NONE or VALIDATED")
        }
    }
}

/// Turns the format's own dialect of schemas (a part of OpenAPI 3.0) into JSON schema.
enum GeminiSchemaReader {
    /// The same meaning as JSON schema: types in lower case, `nullable` as a type.
    static func jsonSchema(_ value: JSONValue) -> JSONValue {
        guard let members = GeminiMembers.read(value) else { return value }
        var result = JSONObject()
        for member in members where !member.value.isNull {
            switch member.key {
            case "type":
                guard let word = member.value.stringValue, word != "TYPE_UNSPECIFIED" else { continue }
                result.append("type", .string(word.lowercased()))
            case "nullable", "propertyOrdering", "example": break
            case "format" where member.value.stringValue == "enum": break
            case "properties", "$defs", "defs":
                guard case .object(var map) = member.value else { continue }
                for index in map.members.indices { map.members[index].value = jsonSchema(map.members[index].value) }
                result.append(member.key == "defs" ? "$defs" : member.key, .object(map))
            case "items", "additionalProperties": result.append(member.key, jsonSchema(member.value))
            case "anyOf", "prefixItems":
                result.append(member.key, .array((member.value.arrayValue ?? []).map(jsonSchema)))
            case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
                result.append(member.key, member.value.protobufNumber ?? member.value)
            default: result.append(member.key, member.value)
            }
        }
        if members["nullable"]?.boolValue == true, let type = result["type"] {
            result["type"] = [type, "null"]
            if let values = result["enum"]?.arrayValue, !values.contains(.null) {
                result["enum"] = .array(values + [.null])
            }
        }
        return .object(result)
    }
}
