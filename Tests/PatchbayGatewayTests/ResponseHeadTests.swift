import NIOCore
import Testing

@testable import PatchbayGateway

@Suite struct ResponseHeadTests {
    private func written(_ body: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        body(&buffer)
        return String(buffer: buffer)
    }

    @Test(arguments: [
        (0, "0"), (7, "7"), (10, "10"), (65_536, "65536"), (Int.max, "9223372036854775807"), (-1, "0"),
    ])
    func decimals(number: Int, text: String) {
        #expect(written { $0.writeDecimal(number) } == text)
    }

    @Test(arguments: [(1, "1"), (10, "a"), (16, "10"), (255, "ff"), (65_536, "10000"), (Int.max, "7fffffffffffffff")])
    func chunkSizes(count: Int, text: String) {
        #expect(written { $0.writeChunkSize(count) } == text + "\r\n")
    }

    @Test func statusLines() {
        #expect(written { ResponseHead.writeStatus(200, into: &$0) } == "HTTP/1.1 200 OK\r\n")
        #expect(
            written { ResponseHead.writeStatus(431, into: &$0) } == "HTTP/1.1 431 Request Header Fields Too Large\r\n")
        #expect(written { ResponseHead.writeStatus(299, into: &$0) } == "HTTP/1.1 299 Status\r\n")
    }

    @Test func theRequestIDHasTheNamesThatClientsRead() {
        #expect(
            written { ResponseHead.writeRequestID("req_1", dialect: .openAI, into: &$0) } == "x-request-id: req_1\r\n")
        #expect(
            written { ResponseHead.writeRequestID("req_1", dialect: .anthropic, into: &$0) }
                == "x-request-id: req_1\r\nrequest-id: req_1\r\n")
    }

    @Test func fields() {
        #expect(written { ResponseHead.writeField("retry-after", 30, into: &$0) } == "retry-after: 30\r\n")
        #expect(written { ResponseHead.writeField("x-a", "b", into: &$0) } == "x-a: b\r\n")
    }
}
