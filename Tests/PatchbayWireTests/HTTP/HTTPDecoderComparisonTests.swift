import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

struct HTTPDecoderComparisonTests {
    /// NIO's decoder is llhttp: never more lenient than it, and stricter only where the table says so.
    @Test(arguments: SmugglingCase.all)
    func isNeverMoreLenientThanNIO(example: SmugglingCase) {
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        var accepted = false
        do {
            try channel.writeInbound(ByteBuffer(bytes: example.bytes))
            if case .head? = try channel.readInbound(as: HTTPServerRequestPart.self) { accepted = true }
        } catch { accepted = false }
        if example.refusal == nil {
            #expect(accepted, "NIO refuses what we accept")
        } else {
            #expect(accepted == example.isStricterThanNIO)
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
