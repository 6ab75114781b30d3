import PatchbayCore
import PatchbayWire

/// Settings that may stand in several places, as members of the documents that carry them.
///
/// Durations are milliseconds, sizes bytes and truth values booleans. What is not set is absent; null takes a setting
/// back.
struct SettingFields<Settings>: Sendable {
    private let members: [SettingMember<Settings>]
    /// Names of the records by the path of their section.
    private let names: [String: String]

    init(_ members: [SettingMember<Settings>], names: [String: String]) {
        self.members = members
        self.names = names
    }

    // MARK: - Shape

    /// The members of a document that carries the settings.
    var fields: [Field] { fields(members, depth: 0) }

    private func fields(_ members: [SettingMember<Settings>], depth: Int) -> [Field] {
        keys(members, depth).map { key in
            let inner = members.filter { $0.section.count > depth && $0.section[depth] == key }
            guard let first = inner.first else { return leaf(members.first { $0.name == key }, key) }
            let path = first.section.prefix(depth + 1).joined(separator: ".")
            let record = Record(
                names[path] ?? path, "What is not set is decided by the place around it.",
                fields(inner, depth: depth + 1))
            return Field(key, Schema.record(record).orNull, "Settings of `\(path)`.")
        }
    }

    private func leaf(_ member: SettingMember<Settings>?, _ key: String) -> Field {
        guard let member else { return Field(key, .integer.orNull, "") }
        if case .truth = member.unit { return Field(key, Schema.boolean.orNull, member.note) }
        let unit =
            switch member.unit {
            case .duration: " Milliseconds."
            case .size: " Bytes."
            case .count, .truth: ""
            }
        return Field(key, Schema.integer(member.range).orNull, member.note + unit)
    }

    private func keys(_ members: [SettingMember<Settings>], _ depth: Int) -> [String] {
        var keys: [String] = []
        for member in members {
            let key = member.section.count > depth ? member.section[depth] : member.name
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    // MARK: - Values

    /// The properties of a view.
    func properties<Value>(
        _ path: @escaping @Sendable (Value) -> Settings
    ) -> [View<Value>.Property] where Settings: Sendable {
        fields.map { field in
            var field = field
            field.isRequired = true
            let name = field.name
            return View<Value>.Property(field: field) { value in document(path(value), of: name) }
        }
    }

    private func document(_ settings: Settings, of key: String) -> JSONValue {
        if let leaf = members.first(where: { $0.section.isEmpty && $0.name == key }) {
            return settings[keyPath: leaf.path].map { value($0, of: leaf) } ?? .null
        }
        return .object(section(settings, members.filter { $0.section.first == key }, depth: 1))
    }

    private func value(_ number: Int, of member: SettingMember<Settings>) -> JSONValue {
        if case .truth = member.unit { .bool(number != 0) } else { .int(number) }
    }

    private func section(_ settings: Settings, _ members: [SettingMember<Settings>], depth: Int) -> JSONObject {
        var found: [JSONObject.Member] = []
        for key in keys(members, depth) {
            let inner = members.filter { $0.section.count > depth && $0.section[depth] == key }
            if inner.isEmpty {
                guard let leaf = members.first(where: { $0.name == key }), let value = settings[keyPath: leaf.path]
                else { continue }
                found.append(JSONObject.Member(key: key, value: self.value(value, of: leaf)))
            } else {
                let nested = section(settings, inner, depth: depth + 1)
                if !nested.members.isEmpty { found.append(JSONObject.Member(key: key, value: .object(nested))) }
            }
        }
        return JSONObject(found)
    }

    /// Takes over what a body says; what it does not mention stays, what is null is taken back.
    func apply(_ body: JSONObject, to settings: inout Settings) {
        for member in members {
            var value: JSONValue? = nil
            var object: JSONObject? = body
            for key in member.section + [member.name] {
                value = object?[key]
                if value?.isNull == true { break }
                object = value?.objectValue
            }
            guard let value else { continue }
            settings[keyPath: member.path] = value.boolValue.map { $0 ? 1 : 0 } ?? value.intValue
        }
    }
}

/// The settings that resources carry.
enum SharedSettings {
    static let policy = SettingFields(
        PolicySettings.members,
        names: ["timeouts": "Timeouts", "limits": "Limits", "retry": "Retry", "retry.backoff": "Backoff"])
    static let concurrency = SettingFields(ConcurrencySettings.members, names: ["queue": "Queue"])
    static let capabilities = SettingFields(
        ModelCapabilities.members, names: ["capabilities": "Capabilities", "capabilities.input": "InputCapabilities"])
    static let pool = SettingFields(PoolSettings.members, names: ["pool": "Pool"])
    static let keyLimits = SettingFields(KeyLimits.members, names: ["limits": "KeyLimits"])
}
