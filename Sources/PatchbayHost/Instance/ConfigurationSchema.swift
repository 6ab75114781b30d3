internal import PatchbayWire

/// The part of JSON Schema that is applied to the configuration of an instance: for each top-level property `type`,
/// `enum`, `default`, `minimum`, `maximum`, `pattern`, and `required` and `additionalProperties: false` of the object.
struct ConfigurationSchema {
    private let schema: JSONValue?

    init(_ text: [UInt8]?) {
        // The manifest has been parsed before, so the text is JSON.
        schema = text.flatMap { try? JSONValue(parsing: $0) }
    }

    /// Checks a configuration and completes it with defaults.
    ///
    /// - Throws: ``PluginError`` with code `invalid` and a sentence that names the field and the rule.
    func complete(_ text: String) throws(PluginError) -> [UInt8] {
        var value: JSONValue
        do {
            value = try text.isEmpty ? .emptyObject : JSONValue(parsing: text)
        } catch {
            throw PluginError(.invalid, "The configuration is not JSON: \(error.message)")
        }
        guard let object = value.objectValue else {
            throw PluginError(.invalid, "The configuration must be a JSON object.")
        }
        guard let schema else { return value.serialised() }
        let properties = schema["properties"]?.objectValue ?? JSONObject()
        for property in properties where value[property.key] == nil {
            if let standard = property.value["default"] { value[property.key] = standard }
        }
        for name in schema["required"]?.arrayValue ?? [] {
            guard let name = name.stringValue, value[name] == nil else { continue }
            throw PluginError(.invalid, "The configuration's field \(name) is missing.")
        }
        if schema["additionalProperties"] == .bool(false) {
            for member in object where !properties.contains(member.key) {
                throw PluginError(.invalid, "The configuration's field \(member.key) is not known.")
            }
        }
        for property in properties {
            guard let member = value[property.key] else { continue }
            try Self.check(member, against: property.value, name: property.key)
        }
        return value.serialised()
    }

    private static func check(_ value: JSONValue, against rule: JSONValue, name: String) throws(PluginError) {
        let types = (rule["type"].map { $0.arrayValue ?? [$0] } ?? []).compactMap(\.stringValue)
        guard types.isEmpty || types.contains(where: { matches(value, $0) }) else {
            throw PluginError(
                .invalid, "The configuration's field \(name) must be \(types.map(article).joined(separator: " or ")).")
        }
        if let allowed = rule["enum"]?.arrayValue, !allowed.contains(value) {
            let list = allowed.map(\.description).joined(separator: ", ")
            throw PluginError(.invalid, "The configuration's field \(name) must be one of \(list).")
        }
        if let text = value.stringValue, let pattern = rule["pattern"]?.stringValue,
            let expression = try? Regex(pattern), text.firstMatch(of: expression) == nil
        {
            throw PluginError(.invalid, "The configuration's field \(name) must match the pattern \(pattern).")
        }
        if let number = value.doubleValue {
            if let least = rule["minimum"]?.doubleValue, number < least {
                throw PluginError(
                    .invalid,
                    "The configuration's field \(name) must be at least \(rule["minimum"]?.description ?? "").")
            }
            if let most = rule["maximum"]?.doubleValue, number > most {
                throw PluginError(
                    .invalid, "The configuration's field \(name) must be at most \(rule["maximum"]?.description ?? "")."
                )
            }
        }
    }

    private static func matches(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "string": value.stringValue != nil
        case "integer": value.kind == .number && value.intValue != nil
        case "number": value.kind == .number
        case "boolean": value.boolValue != nil
        case "object": value.objectValue != nil
        case "array": value.arrayValue != nil
        case "null": value.isNull
        default: true
        }
    }

    private static func article(_ type: String) -> String {
        switch type {
        case "integer", "object", "array": "an \(type)"
        case "null": "null"
        default: "a \(type)"
        }
    }
}
