import Foundation
import PatchbayWire
import Testing

/// A request that somebody might understand differently, and what is made of it. The cases are in
/// `Tests/corpus/smuggling.json`; the end-to-end tests send the same ones to nginx.
struct SmugglingCase: Sendable, Decodable, CustomTestStringConvertible {
    var name: String
    private var text: String
    /// The decoded body of the message; nil if it is refused.
    var body: String?
    /// Code of the refusal; nil = accepted.
    var refusal: String?
    /// Whether NIO's decoder accepts it.
    var isAcceptedByNIO: Bool

    private enum CodingKeys: String, CodingKey {
        case name, body, refusal
        case text = "bytes"
        case isAcceptedByNIO = "nio"
    }

    /// The whole message where it is accepted; what somebody might take for one where it is not.
    var bytes: [UInt8] { Array(text.utf8) }
    var testDescription: String { name }
    /// NIO's decoder reads no further where another protocol could follow, or the connection ends with the message.
    var mayEndHTTP: Bool { text.contains("\r\nUpgrade:") || text.contains(" HTTP/1.0\r\n") }

    static let all: [SmugglingCase] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../corpus/smuggling.json")
        do {
            return try JSONDecoder().decode([SmugglingCase].self, from: Data(contentsOf: file))
        } catch {
            Issue.record("the corpus cannot be read: \(error)")
            return []
        }
    }()
}

/// A request message read the way a connection reads it: its head, then as much as its framing says.
enum MessageReading: Equatable {
    case refused(String)
    /// The message ends at this offset.
    case whole(body: [UInt8], end: Int)
    case incomplete

    /// Presents `bytes` up to each of `ends` in turn.
    static func read(_ bytes: [UInt8], ends: [Int]? = nil) -> MessageReading {
        do throws(HTTPParseError) {
            guard let head = try ParsedRequest.parse(bytes, ends: ends) else { return .incomplete }
            switch head.framing {
            case .none, .untilClose: return .whole(body: [], end: head.length)
            case .length(let count):
                let end = head.length + count
                return end > bytes.count ? .incomplete : .whole(body: Array(bytes[head.length..<end]), end: end)
            case .chunked: return try readChunks(bytes, from: head.length, ends: ends ?? [bytes.count])
            }
        } catch {
            return .refused(error.code.rawValue)
        }
    }

    private static func readChunks(
        _ bytes: [UInt8], from start: Int, ends: [Int]
    ) throws(HTTPParseError) -> MessageReading {
        var decoder = HTTPChunkedDecoder()
        var body: [UInt8] = []
        var position = start
        for end in ends where end > position {
            while position < end {
                let piece = Array(bytes[position..<end])
                let step = piece.withUnsafeBytes { raw in
                    Result { () throws(HTTPParseError) in try decoder.decode(raw) }
                }
                switch try step.get() {
                case .needMore(let consumed): position += consumed
                case .data(let range, let consumed):
                    body += piece[range]
                    position += consumed
                case .end(let consumed): return .whole(body: body, end: position + consumed)
                }
            }
        }
        return .incomplete
    }
}
