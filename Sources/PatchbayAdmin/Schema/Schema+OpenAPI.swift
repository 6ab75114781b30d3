import PatchbayWire

extension Schema {
    /// The schema in the JSON Schema dialect of OpenAPI 3.1. Records are references to the components.
    var openAPI: JSONValue {
        guard isNullable else { return plain }
        if case .record = kind { return ["anyOf": [plain, ["type": "null"]]] }
        guard case .object(var object) = plain, let type = object["type"] else {
            return ["anyOf": [plain, ["type": "null"]]]
        }
        object["type"] = [type, "null"]
        if let words = object["enum"]?.arrayValue { object["enum"] = .array(words + [.null]) }
        return .object(object)
    }

    private var plain: JSONValue {
        switch kind {
        case .boolean: return ["type": "boolean"]
        case .integer(let range):
            var object: JSONValue = ["type": "integer"]
            object["minimum"] = range.map { .int($0.lowerBound) }
            object["maximum"] = range.map { .int($0.upperBound) }
            return object
        case .number(let range):
            var object: JSONValue = ["type": "number"]
            object["minimum"] = range.map { .double($0.lowerBound) }
            object["maximum"] = range.map { .double($0.upperBound) }
            return object
        case .string(let length):
            var object: JSONValue = ["type": "string"]
            object["minLength"] = length.map { .int($0.lowerBound) }
            object["maxLength"] = length.map { .int($0.upperBound) }
            return object
        case .choice(let words): return ["type": "string", "enum": .array(words.map { .string($0) })]
        case .timestamp: return ["type": "string", "format": "date-time"]
        case .document: return ["type": "object"]
        case .array(let element): return ["type": "array", "items": element.openAPI]
        case .record(let record): return ["$ref": .string("#/components/schemas/\(record.name)")]
        case .either(let schemas): return ["anyOf": .array(schemas.map(\.openAPI))]
        case .map(let element): return ["type": "object", "additionalProperties": element.openAPI]
        }
    }

    /// The records that this schema refers to, directly or through others.
    var records: [Record] {
        switch kind {
        case .array(let element), .map(let element): element.records
        case .either(let schemas): schemas.flatMap(\.records)
        case .record(let record): [record] + record.fields.flatMap(\.schema.records)
        default: []
        }
    }
}

extension Record {
    /// The component of this record.
    var openAPI: JSONValue {
        var properties = JSONObject()
        for field in fields { properties.append(field.name, field.openAPI) }
        var component: JSONValue = [
            "type": "object", "description": .string(note), "properties": .object(properties),
            "additionalProperties": false,
        ]
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { component["required"] = .array(required) }
        return component
    }
}

extension Field {
    /// A member of a component. Beside a reference a description is allowed since OpenAPI 3.1.
    fileprivate var openAPI: JSONValue {
        var value = schema.openAPI
        value["description"] = .string(note)
        if isSecret { value["writeOnly"] = true }
        return value
    }

    /// A parameter of a query.
    var parameter: JSONValue {
        [
            "name": .string(name), "in": "query", "required": .bool(isRequired), "description": .string(note),
            "schema": schema.openAPI,
        ]
    }
}
