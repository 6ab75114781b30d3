/// The configuration of an instance: a JSON object that fits the manifest's schema, with defaults filled in.
public struct PluginConfiguration: Sendable {
    /// The object as text.
    public let json: [UInt8]

    public init(json: [UInt8]) {
        self.json = json
    }

    /// Reads the whole object.
    ///
    /// - Throws: ``PluginError/Code/invalid`` with a sentence that names the field.
    public func decode<Value: Decodable>(_ type: Value.Type) throws(PluginError) -> Value {
        try JSONText.decode(type, from: json, as: "configuration", failure: .invalid)
    }
}
