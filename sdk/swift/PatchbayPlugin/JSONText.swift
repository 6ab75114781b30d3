import FoundationEssentials

/// JSON text and Codable values, with failures as sentences that name the field.
public enum JSONText {
    /// - Parameters:
    ///   - subject: what the document is, for the sentence: "arguments", "the model list".
    ///   - failure: code of the error.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], as subject: String = "the document",
        failure: PluginError.Code = .protocolViolation
    ) throws(PluginError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw PluginError(failure, sentence(for: error, subject: subject))
        }
    }

    /// UTF-8 text with sorted keys, so that equal values give equal text.
    public static func encode<Value: Encodable>(_ value: Value) throws(PluginError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return [UInt8](try encoder.encode(value))
        } catch {
            throw PluginError(.internal, "The value cannot be written as JSON.")
        }
    }

    private static func sentence(for error: any Error, subject: String) -> String {
        guard let error = error as? DecodingError else { return "\(capitalised(subject)) cannot be read." }
        switch error {
        case .keyNotFound(let key, let context):
            return "\(capitalised(subject)): \(path(context.codingPath + [key])) is missing."
        case .typeMismatch(let type, let context):
            return "\(capitalised(subject)): \(path(context.codingPath)) must be \(name(of: type))."
        case .valueNotFound(let type, let context):
            return "\(capitalised(subject)): \(path(context.codingPath)) is null but must be \(name(of: type))."
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            return "\(capitalised(subject)) must be JSON."
        case .dataCorrupted(let context):
            return "\(capitalised(subject)): \(path(context.codingPath)) has a value that is not allowed."
        @unknown default:
            return "\(capitalised(subject)) cannot be read."
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.isEmpty
            ? "the document" : keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }

    private static func capitalised(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }

    private static func name(of type: Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is Int.Type, is Int64.Type, is Int32.Type, is UInt64.Type, is UInt.Type: "an integer"
        case is Double.Type, is Float.Type: "a number"
        case is [Any].Type: "an array"
        default: "an object of the documented form"
        }
    }
}
