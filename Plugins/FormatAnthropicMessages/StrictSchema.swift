import PatchbayWire

/// Makes a JSON schema one that structured output of the Messages format accepts.
///
/// Objects are closed, alternatives become `anyOf`, and what cannot be enforced moves into the description. Only
/// positions of schemas are walked: names of properties and data under `enum` or `const` are left alone.
enum StrictSchema {
    static func transformed(_ schema: JSONValue) -> JSONValue {
        guard case .object(let members) = schema else { return schema }
        var result = JSONObject()
        var notes: [String] = []
        for member in members {
            switch member.key {
            case "properties", "$defs", "definitions": result.append(member.key, map(member.value))
            case "items", "additionalItems": result.append(member.key, transformed(member.value))
            case "anyOf", "allOf": result.append(member.key, list(member.value))
            case "oneOf": result["anyOf"] = list(member.value)
            case "type":
                guard case .array(let types) = member.value else {
                    result.append(member.key, member.value)
                    break
                }
                result["anyOf"] = .array(types.map { ["type": $0] })
            case let key where unsupported.contains(key): notes.append("\(key): \(member.value.description)")
            case "additionalProperties", "$schema": break
            default: result.append(member.key, member.value)
            }
        }
        if result["properties"] != nil || result["type"]?.stringValue == "object" {
            if result["properties"] == nil { result["properties"] = .emptyObject }
            result["additionalProperties"] = false
        }
        if result["type"]?.stringValue == "array", result["items"] == nil { result["items"] = .emptyObject }
        if !notes.isEmpty {
            let text = [result["description"]?.stringValue, "(" + notes.joined(separator: ", ") + ")"]
            result["description"] = .string(text.compactMap { $0 }.joined(separator: " "))
        }
        return .object(result)
    }

    private static func map(_ value: JSONValue) -> JSONValue {
        guard case .object(var members) = value else { return value }
        for index in members.members.indices {
            members.members[index].value = transformed(members.members[index].value)
        }
        return .object(members)
    }

    private static func list(_ value: JSONValue) -> JSONValue {
        .array((value.arrayValue ?? []).map(transformed))
    }

    private static let unsupported: Set<String> = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
        "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "default", "not", "if", "then", "else",
        "dependentSchemas", "dependentRequired", "unevaluatedProperties", "patternProperties", "propertyNames",
        "contains",
    ]
}
