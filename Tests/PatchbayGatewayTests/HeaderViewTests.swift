import PatchbayHost
import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite struct HeaderViewTests {
    private func value(of name: String, in head: String, joinsRepeated: Bool) -> String {
        let bytes = Array(head.utf8)
        var fields: ContiguousArray<HTTPField> = []
        var start = 0
        for line in head.split(separator: "\n", omittingEmptySubsequences: false) {
            let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
            let length = line.utf8.distance(from: line.startIndex, to: colon)
            fields.append(
                HTTPField(
                    name: ByteSpan(start: start, count: length),
                    value: ByteSpan(start: start + length + 1, count: line.utf8.count - length - 1), known: .other))
            start += line.utf8.count + 1
        }
        return bytes.withUnsafeBytes { bytes in
            Array(name.utf8).withUnsafeBytes { name in
                let view = HeaderView()
                return view.showing(fields, bytes, joinsRepeated: joinsRepeated) {
                    String(decoding: view.headerValue(named: name), as: UTF8.self)
                }
            }
        }
    }

    @Test(
        "E-66 a field that is there several times is one list for a platform",
        arguments: [
            ("anthropic-beta:a", "a"), ("Anthropic-Beta:a\nx:1\nanthropic-beta:b,c", "a,b,c"),
            ("anthropic-beta:a\nanthropic-beta:a", "a"), ("anthropic-beta:\nanthropic-beta:b", "b"), ("x:1", ""),
        ])
    func lists(head: String, expected: String) {
        let found = value(of: "anthropic-beta", in: head, joinsRepeated: true)
        #expect(found == expected)
        let first = value(of: "anthropic-beta", in: head, joinsRepeated: false)
        #expect(expected.hasPrefix(first))
    }
}
