import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

struct HTTPDecoderComparisonTests {
    private static let marker = Array("GET /marker HTTP/1.1\r\nHost: a\r\n\r\n".utf8)

    /// NIO's decoder is llhttp. The two differ only where the corpus says so, and never on where a message ends.
    @Test(arguments: SmugglingCase.all)
    func differsFromNIOOnlyWhereTheCorpusSaysSo(example: SmugglingCase) throws {
        let parts = read(example.bytes + Self.marker)
        #expect(parts.isWhole == example.isAcceptedByNIO)
        guard parts.isWhole, let body = example.body else { return }
        #expect(parts.body == body)
        #expect(parts.next == "/marker" || (example.mayEndHTTP && parts.next == nil))
    }

    private struct Parts {
        var isWhole = false
        var body = ""
        /// Target of the message that follows.
        var next: String?
    }

    private func read(_ bytes: [UInt8]) -> Parts {
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(decoder))
        // An error may come with the message behind the first, whose parts have arrived then.
        _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
        var parts = Parts()
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head) where parts.isWhole: parts.next = parts.next ?? head.uri
            case .body(let buffer) where !parts.isWhole: parts.body += String(buffer: buffer)
            case .end: parts.isWhole = true
            case .head, .body: break
            }
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return parts
    }
}
