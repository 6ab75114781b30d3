import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

struct HTTPDecoderComparisonTests {
    /// NIO's decoder is llhttp. The two differ only where the table says so.
    @Test(arguments: SmugglingCase.all)
    func differsFromNIOOnlyWhereTheTableSaysSo(example: SmugglingCase) {
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(decoder))
        var accepted = false
        do {
            try channel.writeInbound(ByteBuffer(bytes: example.bytes))
            if case .head? = try channel.readInbound(as: HTTPServerRequestPart.self) { accepted = true }
        } catch { accepted = false }
        #expect(accepted == example.isAcceptedByNIO)
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
