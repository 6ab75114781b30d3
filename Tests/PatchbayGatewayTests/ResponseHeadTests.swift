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
        #expect(written { HeadWriter.write(to: &$0, capacity: text.utf8.count) { $0.write(decimal: number) } } == text)
    }

    @Test func decimalsOfEveryLength() {
        var number = 0
        for digit in 1...9 {
            number = number * 100 + digit * 11 - digit
            for value in [number, number - 1, number / 10, number / 10 * 10] {
                let text = written { HeadWriter.write(to: &$0, capacity: 20) { $0.write(decimal: value) } }
                #expect(text == String(max(0, value)))
            }
        }
    }

    @Test(arguments: [(1, "1"), (9, "9"), (10, "a"), (15, "f"), (16, "10"), (255, "ff"), (256, "100"), (65_536, "10000")])
    func chunks(count: Int, size: String) {
        let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: count)
        #expect(written { $0.writeChunk(bytes) } == "\(size)\r\n" + String(repeating: "x", count: count) + "\r\n")
        // Behind something else, in a buffer that has to grow for it.
        #expect(
            written {
                $0.writeString("ab")
                $0.writeChunk(bytes)
                $0.writeString("0\r\n\r\n")
            } == "ab\(size)\r\n" + String(repeating: "x", count: count) + "\r\n0\r\n\r\n")
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
