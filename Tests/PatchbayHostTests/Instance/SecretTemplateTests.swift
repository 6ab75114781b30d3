import PatchbayCore
import Testing

@testable import PatchbayHost

struct SecretTemplateTests {
    private func expand(
        _ text: String, _ escaping: SecretTemplate.Escaping = .none
    ) throws(SecretTemplate.Failure) -> String {
        let secrets = ["key": Secret("s3cr3t"), "odd": Secret("a\"b\\c\n/ä")]
        var output: [UInt8] = []
        try Array(text.utf8).withUnsafeBufferPointer { bytes throws(SecretTemplate.Failure) in
            _ = try SecretTemplate.expand(
                UnsafeRawBufferPointer(bytes), escaping: escaping, into: &output, lookup: { secrets[$0] })
        }
        return output.text
    }

    @Test func replacesEveryPlaceholder() throws {
        #expect(try expand("Bearer ${secret:key}") == "Bearer s3cr3t")
        #expect(try expand("${secret:key}${secret:key}") == "s3cr3ts3cr3t")
        #expect(try expand("$ ${x} ${secret $") == "$ ${x} ${secret $")
        #expect(try expand("") == "")
    }

    @Test func escapesForWhereItStands() throws {
        #expect(try expand("${secret:odd}", .json) == #"a\"b\\c\u000A/ä"#)
        #expect(try expand("?k=${secret:odd}", .url) == "?k=a%22b%5Cc%0A%2F%C3%A4")
    }

    @Test func anUnknownNameIsAnErrorThatNamesIt() {
        let failure = SecretTemplate.Failure(code: .unknownName, name: "other")
        #expect(throws: failure) { try expand("${secret:other}") }
        #expect(failure.sentence == "The account has no secret named \"other\".")
    }

    @Test(
        "a placeholder that is not closed is an error",
        arguments: ["${secret:", "${secret:key", "${secret:}", "${secret:a b}"])
    func malformed(text: String) {
        let failure = #expect(throws: SecretTemplate.Failure.self) { try expand(text) }
        #expect(failure?.code == .malformed)
    }
}
