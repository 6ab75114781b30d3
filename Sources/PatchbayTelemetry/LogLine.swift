import Logging
import PatchbayCore

/// One line of the log while it is written.
struct LogLine {
    private let format: LogSettings.Format
    private var text = ""

    init(format: LogSettings.Format) {
        self.format = format
    }

    mutating func begin(time: Int64, level: String, label: String, message: String) {
        let stamp = Timestamp.text(milliseconds: time)
        switch format {
        case .text:
            let padded = level + String(repeating: " ", count: max(0, 8 - level.count))
            text = "\(stamp) \(padded) \(Self.plain(message))"
            text += " logger=\(Self.value(label))"
        case .json:
            text = "{\"time\":\"\(stamp)\",\"level\":\"\(level)\",\"message\":\(Self.quoted(message))"
            text += ",\"logger\":\(Self.quoted(label))"
        }
    }

    mutating func add(_ name: String, _ value: Logger.MetadataValue) {
        switch format {
        case .text:
            text += " \(Self.plain(name))=\(Self.value(Self.flat(name, value)))"
        case .json:
            text += ",\(Self.quoted(name)):\(Self.json(name, value))"
        }
    }

    /// The line with its end.
    consuming func finished() -> [UInt8] {
        text += format == .json ? "}\n" : "\n"
        return Array(text.utf8)
    }

    // MARK: - Values

    private static func flat(_ name: String, _ value: Logger.MetadataValue) -> String {
        if isSecret(name) { return Secret("").description }
        switch value {
        case .string(let text): return text
        case .stringConvertible(let value): return value is Secret ? Secret("").description : value.description
        case .array(let values): return "[" + values.map { flat(name, $0) }.joined(separator: ", ") + "]"
        case .dictionary(let members):
            let pairs = members.sorted { $0.key < $1.key }.map { "\($0.key): \(flat($0.key, $0.value))" }
            return "{" + pairs.joined(separator: ", ") + "}"
        }
    }

    private static func json(_ name: String, _ value: Logger.MetadataValue) -> String {
        if isSecret(name) { return quoted(Secret("").description) }
        switch value {
        case .string, .stringConvertible: return quoted(flat(name, value))
        case .array(let values): return "[" + values.map { json(name, $0) }.joined(separator: ",") + "]"
        case .dictionary(let members):
            let pairs = members.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(json($0.key, $0.value))" }
            return "{" + pairs.joined(separator: ",") + "}"
        }
    }

    /// Names under which a secret may end up in a log in spite of everything.
    private static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased().split { $0 == "-" || $0 == "." }.joined(separator: "_")
        return secretNames.contains(name)
    }

    private static let secretNames: Set<String> = [
        "authorization", "api_key", "x_api_key", "x_goog_api_key", "access_token", "refresh_token", "password",
        "secret",
        "session", "cookie", "set_cookie", "proxy_authorization",
    ]

    // MARK: - Escaping

    /// A value of `name=value`: quoted where it would not be read back as one word.
    private static func value(_ text: String) -> String {
        let isWord =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && $0 != "=" && $0.value != 0x7F }
        return isWord ? plain(text) : quoted(text)
    }

    /// Without control characters, so that nobody can start a line of his own.
    private static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    /// A JSON string on one line, also for programs that take more than LF for the end of a line.
    private static func quoted(_ text: String) -> String {
        let separators = text.unicodeScalars.contains { isControl($0) && $0.value > 0x1F }
        guard separators else { return JSONText.string(text) }
        let scalars = text.unicodeScalars.map { isControl($0) && $0.value > 0x1F ? " " : $0 }
        return JSONText.string(String(String.UnicodeScalarView(scalars)))
    }
}
