import NIOCore
import Testing

@testable import PatchbayGateway

@Suite struct AdmissionEstimateTests {
    private func tokens(_ text: String) -> Int { AdmissionEstimate.tokens(of: ByteBuffer(string: text)) }

    @Test func textIsAFourthOfItsBytes() {
        #expect(tokens("") == 1)
        #expect(tokens(String(repeating: "a", count: 400)) == 101)
        let long = #"{"messages":[{"content":""# + String(repeating: "one two ", count: 10_000) + #""}]}"#
        #expect((19_000...21_000).contains(tokens(long)))
    }

    @Test func aFileIsNotText() {
        let image = #"{"url":"data:image/png;base64,"# + String(repeating: "iVBORw0KGgo", count: 100_000) + #""}"#
        #expect((1_000...1_100).contains(tokens(image)))
    }

    @Test func everyQuoteIsFoundWhereverTheBodyEnds() {
        for end in ["\"", "\"\"", "a", ""] {
            #expect(tokens(String(repeating: "b c ", count: 5_000) + end) >= 5_000)
        }
    }
}
