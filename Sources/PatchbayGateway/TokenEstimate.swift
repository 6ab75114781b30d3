import PatchbayWire

/// A guess at the tokens of a prompt, for upstreams that do not count.
///
/// Texts in Latin script have about four characters a token, others about one and a half; media have what most models
/// charge for a picture. Good to within a third or so, which is enough to decide whether a conversation still fits.
enum TokenEstimate {
    private static let tokensOfMedia = 258

    /// Tokens of a request body of any format. A body that is no JSON has none.
    static func tokens(inRequest body: UnsafeRawBufferPointer) -> Int {
        var tape = JSONTape()
        guard (try? tape.parse(body)) != nil else { return 0 }
        return tokens(tape, tape.root)
    }

    private static func tokens(_ tape: borrowing JSONTape, _ index: JSONIndex) -> Int {
        switch tape.kind(index) {
        case .string: return tokens(inText: tape.rawString(index))
        case .array:
            var sum = 0
            for element in tape.elements(of: index) { sum += tokens(tape, element) }
            return sum
        case .object:
            var sum = 0
            for member in tape.members(of: index) {
                if tape.equals(member.key, "data"), tape.kind(member.value) == .string {
                    sum += tokensOfMedia
                } else if !isNoText(tape, member.key) {
                    sum += tokens(tape, member.value)
                }
            }
            return sum
        case .number: return 1
        case .null, .true, .false: return 0
        }
    }

    private static func isNoText(_ tape: borrowing JSONTape, _ key: JSONIndex) -> Bool {
        let names: [StaticString] = [
            "role", "mimeType", "mime_type", "model", "type", "thoughtSignature", "signature", "encrypted_content",
            "id", "call_id", "previous_response_id",
        ]
        return names.contains { tape.equals(key, $0) }
    }

    private static func tokens(inText text: UnsafeRawBufferPointer) -> Int {
        if text.hasPrefix("data:") { return tokensOfMedia }
        var latin = 0
        var other = 0
        for byte in text {
            if byte < 0x80 { latin += 1 } else if byte >= 0xC0 { other += 1 }
        }
        return (latin + 3) / 4 + (other * 2 + 2) / 3
    }
}
