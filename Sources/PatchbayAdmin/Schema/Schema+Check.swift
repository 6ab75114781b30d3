import PatchbayCore
import PatchbayWire

extension Record {
    /// Refuses members that do not exist, members of another type, and a body without a member that is required.
    ///
    /// - Parameter path: Of the object in the body; empty for the body itself.
    func check(_ object: JSONObject, path: String = "") throws(AdminError) {
        for member in object.members {
            let place = Self.join(path, member.key)
            guard let field = fields.first(where: { $0.name == member.key }) else {
                let known = fields.map(\.name).joined(separator: ", ")
                throw AdminError(.unknownField, "\(place) is not known here; known are \(known).", field: place)
            }
            try field.schema.check(member.value, path: place)
        }
        for field in fields where field.isRequired && object[field.name] == nil {
            let place = Self.join(path, field.name)
            throw AdminError(.invalidField, "\(place) is required.", field: place)
        }
    }

    private static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}

extension Schema {
    func check(_ value: JSONValue, path: String) throws(AdminError) {
        if value.isNull, isNullable { return }
        switch kind {
        case .boolean: try require(value.boolValue != nil, "must be true or false", path)
        case .integer(let range):
            guard let number = value.intValue, range?.contains(number) ?? true else {
                let bounds = range.map { " from \($0.lowerBound) to \($0.upperBound)" } ?? ""
                throw Self.refusal("must be a whole number\(bounds)", path)
            }
        case .number(let range):
            guard let number = value.doubleValue, range?.contains(number) ?? true else {
                let bounds = range.map { " from \($0.lowerBound) to \($0.upperBound)" } ?? ""
                throw Self.refusal("must be a number\(bounds)", path)
            }
        case .string(let length):
            guard let text = value.stringValue, length?.contains(text.utf8.count) ?? true else {
                let bounds = length.map { " of \($0.lowerBound) to \($0.upperBound) bytes" } ?? ""
                throw Self.refusal("must be a string\(bounds)", path)
            }
        case .choice(let words):
            let isKnown = value.stringValue.map(words.contains) ?? false
            try require(isKnown, "must be one of \(words.joined(separator: ", "))", path)
        case .timestamp:
            let isTime = value.stringValue.flatMap(Timestamp.milliseconds) != nil
            try require(isTime, "must be a time such as 2026-11-21T04:48:19Z", path)
        case .document: try require(value.objectValue != nil, "must be an object", path)
        case .array, .record, .map, .either: try checkParts(value, path: path)
        }
    }

    private func checkParts(_ value: JSONValue, path: String) throws(AdminError) {
        switch kind {
        case .array(let element):
            guard let elements = value.arrayValue else { throw Self.refusal("must be a list", path) }
            for (index, part) in elements.enumerated() { try element.check(part, path: "\(path)[\(index)]") }
        case .record(let record):
            guard let object = value.objectValue else { throw Self.refusal("must be an object", path) }
            try record.check(object, path: path)
        case .map(let element):
            guard let object = value.objectValue else { throw Self.refusal("must be an object", path) }
            for member in object.members { try element.check(member.value, path: "\(path).\(member.key)") }
        case .either(let schemas): try checkEither(schemas, value, path: path)
        default: break
        }
    }

    /// The error of the schema whose type fits says more than that none fits.
    private func checkEither(_ schemas: [Schema], _ value: JSONValue, path: String) throws(AdminError) {
        for schema in schemas {
            switch (schema.kind, value) {
            case (.string, .string), (.record, .object): return try schema.check(value, path: path)
            default: continue
            }
        }
        throw Self.refusal("must be a string or an object", path)
    }

    private func require(_ condition: Bool, _ rule: String, _ path: String) throws(AdminError) {
        guard condition else { throw Self.refusal(rule, path) }
    }

    private static func refusal(_ rule: String, _ path: String) -> AdminError {
        AdminError(.invalidField, "\(path) \(rule).", field: path)
    }
}

extension [Field] {
    /// Checks the parameters of a query and returns them by name. Empty values count as absent.
    func checkQuery(_ pairs: [(name: String, value: String)]) throws(AdminError) -> [String: String] {
        var values: [String: String] = [:]
        for pair in pairs {
            guard let field = first(where: { $0.name == pair.name }) else {
                throw AdminError(.unknownField, "The parameter \(pair.name) is not known here.", field: pair.name)
            }
            guard !pair.value.isEmpty else { continue }
            try field.schema.check(Self.value(pair.value, of: field.schema), path: pair.name)
            values[pair.name] = pair.value
        }
        for field in self where field.isRequired && values[field.name] == nil {
            throw AdminError(.invalidField, "The parameter \(field.name) is required.", field: field.name)
        }
        return values
    }

    private static func value(_ text: String, of schema: Schema) -> JSONValue {
        switch schema.kind {
        case .integer, .number: JSONNumber(lexeme: text).map { .number($0) } ?? .string(text)
        case .boolean: text == "true" ? true : text == "false" ? false : .string(text)
        default: .string(text)
        }
    }
}
