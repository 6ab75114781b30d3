import NIOCore
import PatchbayCore
import Testing

@testable import PatchbayGateway

@Suite struct SecretBytesTests {
    private let secrets = SecretBytes([
        "api_key": Secret("sk-1/2 ä"), "short": Secret("x"), "bad": Secret("a\r\nb: c"),
    ])

    private func expand(_ text: String, isURL: Bool = false) throws(ChannelUnusable) -> String {
        var buffer = ByteBuffer()
        let bytes = Array(text.utf8)
        try bytes.withBytes { raw throws(ChannelUnusable) in
            try HeadWriter.write(to: &buffer, capacity: secrets.expandedCount(of: raw.count)) {
                writer throws(ChannelUnusable) in
                try secrets.write(raw, isURL: isURL, into: &writer)
            }
        }
        return String(buffer: buffer)
    }

    @Test func placeholdersAreFilledIn() throws {
        #expect(try expand("Bearer ${secret:api_key}") == "Bearer sk-1/2 ä")
        #expect(try expand("${secret:short}${secret:short}") == "xx")
        #expect(try expand("a $ b ${other} $") == "a $ b ${other} $")
        #expect(try expand("") == "")
    }

    @Test func secretsInAURLArePercentEncoded() throws {
        #expect(try expand("/m?key=${secret:api_key}&x=1", isURL: true) == "/m?key=sk-1%2F2%20%C3%A4&x=1")
    }

    @Test func theCapacityIsEnoughForAnyText() throws {
        let text = String(repeating: "${secret:api_key}", count: 50)
        #expect(try expand(text, isURL: true).utf8.count == 50 * 17)
    }

    @Test(arguments: ["${secret:missing}", "${secret:", "${secret:}", "${secret:bad}"])
    func whatCannotBeFilledInIsRefused(text: String) {
        #expect(throws: ChannelUnusable.self) { try expand(text) }
    }

    @Test func nothingOfThemIsPrinted() {
        #expect(!"\(secrets)".contains("sk-1"))
        var dumped = ""
        dump(secrets, to: &dumped)
        #expect(!dumped.contains("sk-1"))
    }
}
