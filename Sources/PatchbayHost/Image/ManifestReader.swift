internal import PatchbayWire

/// Reads members of one JSON object of a manifest; every failure names the path and the rule.
struct ManifestReader {
    private let value: JSONValue
    private let path: String

    init(_ value: JSONValue, path: String = "") throws(PluginRefusal) {
        guard value.objectValue != nil else {
            throw Self.invalid(path.isEmpty ? "The manifest" : path, "must be an object")
        }
        self.value = value
        self.path = path
    }

    static func invalid(_ path: String, _ rule: String) -> PluginRefusal {
        PluginRefusal(.manifestInvalid, "\(path == "The manifest" ? path : "The manifest's member \(path)") \(rule).")
    }

    private func full(_ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    func member(_ name: String) -> JSONValue? {
        guard let member = value[name], member != .null else { return nil }
        return member
    }

    func optionalText(_ name: String) throws(PluginRefusal) -> String? {
        guard let member = member(name) else { return nil }
        guard let text = member.stringValue else { throw Self.invalid(full(name), "must be a string") }
        return text
    }

    func text(_ name: String) throws(PluginRefusal) -> String {
        guard let text = try optionalText(name) else { throw Self.invalid(full(name), "is missing") }
        guard !text.isEmpty else { throw Self.invalid(full(name), "must not be empty") }
        return text
    }

    func identifier(_ name: String) throws(PluginRefusal) -> String {
        let text = try text(name)
        let isAllowed = text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
        guard isAllowed, text.utf8.count <= 64 else {
            throw Self.invalid(full(name), "must be lower-case letters, digits and hyphens, at most 64 bytes")
        }
        return text
    }

    func positiveInteger(_ name: String) throws(PluginRefusal) -> Int? {
        guard let member = member(name) else { return nil }
        guard let number = member.intValue, number > 0 else {
            throw Self.invalid(full(name), "must be a positive integer")
        }
        return number
    }

    func name<Name: RawRepresentable & CaseIterable>(
        _ name: String, of type: Name.Type = Name.self
    ) throws(PluginRefusal) -> Name? where Name.RawValue == String {
        guard let text = try optionalText(name) else { return nil }
        return try Self.parse(text, as: type, at: full(name))
    }

    func names<Name: RawRepresentable & CaseIterable>(
        _ name: String, of type: Name.Type
    ) throws(PluginRefusal) -> [Name] where Name.RawValue == String {
        var names: [Name] = []
        for text in try texts(name) { names.append(try Self.parse(text, as: type, at: full(name))) }
        return names
    }

    private static func parse<Name: RawRepresentable & CaseIterable>(
        _ text: String, as type: Name.Type, at path: String
    ) throws(PluginRefusal) -> Name where Name.RawValue == String {
        guard let name = Name(rawValue: text) else {
            let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
            throw invalid(path, "has the unknown value \"\(text)\"; known are \(known)")
        }
        return name
    }

    func texts(_ name: String) throws(PluginRefusal) -> [String] {
        var texts: [String] = []
        for element in try array(name) {
            guard let text = element.stringValue else {
                throw Self.invalid(full(name), "must be an array of strings")
            }
            texts.append(text)
        }
        return texts
    }

    func objects<Value>(
        _ name: String, _ make: (ManifestReader) throws(PluginRefusal) -> Value
    ) throws(PluginRefusal) -> [Value] {
        var values: [Value] = []
        for (index, element) in try array(name).enumerated() {
            values.append(try make(try ManifestReader(element, path: "\(full(name))[\(index)]")))
        }
        return values
    }

    func object(_ name: String) throws(PluginRefusal) -> JSONValue? {
        guard let member = member(name) else { return nil }
        guard member.objectValue != nil else { throw Self.invalid(full(name), "must be an object") }
        return member
    }

    private func array(_ name: String) throws(PluginRefusal) -> [JSONValue] {
        guard let member = member(name) else { return [] }
        guard let array = member.arrayValue else { throw Self.invalid(full(name), "must be an array") }
        return Array(array)
    }
}
