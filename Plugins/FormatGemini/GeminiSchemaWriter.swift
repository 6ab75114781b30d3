import CanonicalChat
import PatchbayWire

/// Makes a JSON schema one that the format takes.
///
/// Only positions of schemas are walked: names of properties and data under `enum` or `const` are left alone. What
/// cannot be enforced moves into the description.
struct GeminiSchemaWriter {
    /// Which of the two dialects the upstream reads.
    enum Dialect {
        /// `parametersJsonSchema` and `responseJsonSchema`: most of JSON schema.
        case json
        /// `parameters` and `responseSchema`: a part of OpenAPI 3.0, without references.
        case openAPI
    }

    let dialect: Dialect
    private let root: JSONValue
    /// References inside of references end here, because a schema may refer to itself.
    private static let maximumReferences = 6

    init(_ dialect: Dialect, root: JSONValue) {
        self.dialect = dialect
        self.root = root
    }

    static func written(_ schema: JSONValue, _ dialect: Dialect) -> JSONValue {
        GeminiSchemaWriter(dialect, root: schema).written(schema, 0)
    }

    /// Whether a schema describes an object without any member: the format has no words for it.
    static func isEmptyObject(_ schema: JSONValue?) -> Bool {
        guard let members = schema?.objectValue else { return true }
        if let type = members["type"]?.stringValue, type.lowercased() != "object" { return false }
        let others = ["$ref", "anyOf", "oneOf", "allOf", "patternProperties"]
        if others.contains(where: { members[$0] != nil }) { return false }
        if case .object? = members["additionalProperties"] { return false }
        return members["properties"]?.objectValue?.isEmpty ?? true
    }

    // MARK: - Schemas

    private func written(_ schema: JSONValue, _ references: Int) -> JSONValue {
        // `true` and `{}` allow anything.
        guard case .object(var members) = schema else { return .emptyObject }
        if dialect == .openAPI, let reference = members["$ref"]?.stringValue {
            guard references < Self.maximumReferences, let target = resolved(reference) else {
                return objectNote(members["description"])
            }
            members.remove("$ref")
            var merged = target.objectValue ?? JSONObject()
            for member in members { merged[member.key] = member.value }
            return written(.object(merged), references + 1)
        }
        if let all = members.remove("allOf")?.arrayValue { merge(all, into: &members, references) }
        var result = JSONObject()
        var notes: [String] = []
        for member in members { write(member, of: members, &result, &notes, references) }
        repair(&result, isOpen: members)
        if !notes.isEmpty {
            let text = [result["description"]?.stringValue, "(" + notes.joined(separator: ", ") + ")"]
            result["description"] = .string(text.compactMap { $0 }.joined(separator: " "))
        }
        return .object(result)
    }

    private func write(
        _ member: JSONObject.Member, of schema: JSONObject, _ result: inout JSONObject, _ notes: inout [String],
        _ references: Int
    ) {
        let value = member.value
        switch member.key {
        case "type": writeType(value, schema, &result)
        case "description", "title", "minItems", "maxItems", "minimum", "maximum", "propertyOrdering":
            result.append(member.key, value)
        case "minLength", "maxLength", "pattern":
            if dialect == .openAPI { result.append(member.key, value) } else { notes.append(Self.note(member)) }
        case "required": result.append(member.key, value)
        case "format":
            if dialect == .json || Self.formats.contains(value.stringValue ?? "") {
                result.append(member.key, value)
            } else {
                notes.append(Self.note(member))
            }
        case "properties":
            guard case .object(var map) = value else { return }
            for index in map.members.indices { map.members[index].value = written(map.members[index].value, references) }
            result.append(member.key, .object(map))
        case "$defs", "definitions":
            guard dialect == .json, case .object(var map) = value else { return }
            for index in map.members.indices { map.members[index].value = written(map.members[index].value, references) }
            result.append(member.key, .object(map))
        case "items": result.append(member.key, written(value, references))
        case "prefixItems" where dialect == .json:
            result.append(member.key, list(value, references))
        case "anyOf", "oneOf": writeAlternatives(value, &result, references)
        case "additionalProperties":
            if dialect == .json { result.append(member.key, value.boolValue == nil ? written(value, references) : value) }
        case "$ref", "$id", "$anchor": result.append(member.key, value)
        case "enum": writeEnum(value, schema, &result, &notes)
        case "const": writeEnum([value], schema, &result, &notes)
        case "nullable" where dialect == .openAPI: result["nullable"] = value
        case "exclusiveMinimum", "exclusiveMaximum": writeBound(member, schema, &result, &notes)
        case "multipleOf", "uniqueItems", "minProperties", "maxProperties", "default":
            notes.append(Self.note(member))
        default: break
        }
    }

    private static func note(_ member: JSONObject.Member) -> String {
        "\(member.key): \(member.value.description)"
    }

    private static let formats: Set<String> = ["enum", "date-time", "int32", "int64", "float", "double"]

    private func list(_ value: JSONValue, _ references: Int) -> JSONValue {
        .array((value.arrayValue ?? []).map { written($0, references) })
    }

    // MARK: - Members

    private func writeType(_ value: JSONValue, _ schema: JSONObject, _ result: inout JSONObject) {
        guard dialect == .openAPI else { return result["type"] = value }
        var words = (value.arrayValue ?? [value]).compactMap { $0.stringValue?.lowercased() }
        if words.contains("null") {
            words.removeAll { $0 == "null" }
            result["nullable"] = true
        }
        if words.count > 1 {
            // Each alternative keeps only what belongs to its own type.
            result["anyOf"] = .array(words.map { ["type": .string($0.uppercased())] })
        } else if let word = words.first {
            result["type"] = .string(word.uppercased())
        }
    }

    private func writeAlternatives(_ value: JSONValue, _ result: inout JSONObject, _ references: Int) {
        var options = value.arrayValue ?? []
        if dialect == .openAPI {
            let isNull: (JSONValue) -> Bool = { $0["type"]?.stringValue?.lowercased() == "null" }
            if options.contains(where: isNull) {
                options.removeAll(where: isNull)
                result["nullable"] = true
            }
            if options.count == 1, case .object(let only) = written(options[0], references) {
                for member in only { result[member.key] = member.value }
                return
            }
        }
        let earlier = result["anyOf"]?.arrayValue ?? []
        result["anyOf"] = .array(earlier + options.map { written($0, references) })
    }

    private func writeEnum(
        _ value: JSONValue, _ schema: JSONObject, _ result: inout JSONObject, _ notes: inout [String]
    ) {
        var values = value.arrayValue ?? []
        guard dialect == .openAPI else {
            result["enum"] = .array(values)
            return
        }
        if values.contains(.null) { result["nullable"] = true }
        values.removeAll { $0.isNull || $0 == "" }
        if values.allSatisfy({ $0.stringValue != nil }) {
            guard !values.isEmpty else { return }
            result["enum"] = .array(values)
            if schema["type"] == nil { result["type"] = "STRING" }
        } else {
            // The field takes strings only; a number among them fails the whole request.
            notes.append("one of: " + values.map(\.description).joined(separator: ", "))
        }
    }

    /// Bounds that exclude their own value become those that include the next whole number.
    private func writeBound(
        _ member: JSONObject.Member, _ schema: JSONObject, _ result: inout JSONObject, _ notes: inout [String]
    ) {
        let isMinimum = member.key == "exclusiveMinimum"
        let name = isMinimum ? "minimum" : "maximum"
        guard schema["type"]?.stringValue?.lowercased() == "integer", let bound = member.value.intValue,
            schema[name] == nil
        else { return notes.append(Self.note(member)) }
        result[name] = .int(isMinimum ? bound + 1 : bound - 1)
    }

    // MARK: - Whole schemas

    private func merge(_ parts: [JSONValue], into members: inout JSONObject, _ references: Int) {
        for part in parts {
            var part = part
            if dialect == .openAPI || part.objectValue?.count == 1, let reference = part["$ref"]?.stringValue,
                references < Self.maximumReferences, let target = resolved(reference)
            {
                part = target
            }
            for member in part.objectValue ?? JSONObject() {
                switch (member.key, members[member.key], member.value) {
                case ("properties", .object(var known)?, .object(let more)):
                    for property in more { known[property.key] = property.value }
                    members["properties"] = .object(known)
                case ("required", .array(let known)?, .array(let more)):
                    members["required"] = .array(known + more.filter { !known.contains($0) })
                default: members[member.key] = member.value
                }
            }
        }
    }

    /// What a JSON pointer into the whole schema names.
    private func resolved(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var value: JSONValue? = root
        for step in reference.dropFirst().split(separator: "/") {
            let name = Self.replacing("~0", by: "~", Self.replacing("~1", by: "/", String(step)))
            value = value?.arrayValue != nil ? Int(name).flatMap { value?[$0] } : value?[name]
        }
        return value
    }

    private static func replacing(_ mark: String, by text: String, _ source: String) -> String {
        var result = source
        while let found = result.range(of: mark) { result.replaceSubrange(found, with: text) }
        return result
    }

    /// Where the format has no schema for an object: its members are not known.
    private func objectNote(_ description: JSONValue?) -> JSONValue {
        let note = "JSON object as a string"
        let text = description?.stringValue.map { "\($0) (\(note))" } ?? note
        return ["type": "STRING", "description": .string(text)]
    }

    private func repair(_ result: inout JSONObject, isOpen schema: JSONObject) {
        let type = result["type"]?.stringValue?.lowercased()
        if let required = result["required"]?.arrayValue {
            let names = result["properties"]?.objectValue
            let known = required.filter { name in name.stringValue.map { names?.contains($0) == true } ?? false }
            result["required"] = known.isEmpty ? nil : .array(known)
        }
        if type == "array", result["items"] == nil, result["prefixItems"] == nil {
            result["items"] = ["type": dialect == .openAPI ? "STRING" : "string"]
        }
        guard dialect == .openAPI else { return }
        if type == "object", result["properties"]?.objectValue?.isEmpty ?? true,
            case .object(let note) = objectNote(result["description"])
        {
            result = note
        }
        // Beside alternatives the format allows nothing that constrains.
        if let options = result["anyOf"] {
            var rest = JSONObject()
            for name in ["description", "title", "nullable"] { rest.setIfPresent(name, result[name]) }
            rest.append("anyOf", options)
            result = rest
        }
    }
}
