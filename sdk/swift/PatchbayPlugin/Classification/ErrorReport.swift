import FoundationEssentials

/// What an error document says, whatever its form: `{"error":{…}}`, `{"error":"…"}`, `{"type":"error","error":{…}}`,
/// `{"message":…,"code":…}`, `{"detail":…}`, `{"success":false,"message":…}`, or the first element of an array of
/// these.
public struct ErrorReport: Sendable, Hashable {
    public var message = ""
    public var type = ""
    /// Also if the document writes it as a number.
    public var code = ""
    public var param = ""

    public init(message: String = "", type: String = "", code: String = "", param: String = "") {
        self.message = message
        self.type = type
        self.code = code
        self.param = param
    }

    /// Reads a document; nil if it is not JSON or reports no error.
    public init?(_ body: ByteView) {
        let text = body.trimmed
        guard text.count > 1, text[0] == UInt8(ascii: "{") || text[0] == UInt8(ascii: "[") else { return nil }
        let decoder = JSONDecoder()
        let data = Data(text.bytes)
        let document =
            text[0] == UInt8(ascii: "[")
            ? (try? decoder.decode([ErrorDocument].self, from: data))?.first
            : try? decoder.decode(ErrorDocument.self, from: data)
        guard let report = document?.report else { return nil }
        self = report
    }
}

/// The members of error documents that the known dialects use.
private struct ErrorDocument: Decodable {
    let report: ErrorReport?

    private enum Keys: String, CodingKey {
        case error, message, msg, detail, code, type, param, status, success, reason
    }

    init(from decoder: any Decoder) throws {
        let top = try decoder.container(keyedBy: Keys.self)
        if let inner = try? top.nestedContainer(keyedBy: Keys.self, forKey: .error) {
            report = Self.read(inner)
        } else if let text = try? top.decode(String.self, forKey: .error), !text.isEmpty {
            report = ErrorReport(message: text, type: top.text(.type), code: top.text(.code))
        } else {
            let isFailure = (try? top.decode(Bool.self, forKey: .success)) == false
            let found = Self.read(top)
            // A message alone could be a chat answer of a foreign dialect, so something must mark it as a failure.
            let isMarked = isFailure || top.contains(.detail) || (!found.message.isEmpty && !found.code.isEmpty)
            report = isMarked && found.code != "0" ? found : nil
        }
    }

    private static func read(_ object: KeyedDecodingContainer<Keys>) -> ErrorReport {
        let message = [Keys.message, .msg, .detail].lazy.map(object.text).first { !$0.isEmpty } ?? ""
        let type = [Keys.type, .status, .reason].lazy.map(object.text).first { !$0.isEmpty } ?? ""
        return ErrorReport(message: message, type: type, code: object.text(.code), param: object.text(.param))
    }
}

extension KeyedDecodingContainer {
    /// A member as text: strings as they are, numbers in decimal, everything else empty.
    fileprivate func text(_ key: Key) -> String {
        if let text = try? decode(String.self, forKey: key) { return text }
        if let number = try? decode(Int64.self, forKey: key) { return String(number) }
        return ""
    }
}
