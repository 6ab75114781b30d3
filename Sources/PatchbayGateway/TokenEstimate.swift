import PatchbayWire

/// How many tokens a text or a canonical document is worth, for upstreams that do not say.
///
/// Tokenizers differ by model and are not known here; the weights fit the usual vocabularies within about a quarter for
/// prose and code in the languages of the web. What rests on an estimate is marked as estimated everywhere.
enum TokenEstimate {
    /// An image, whatever its size: what the vendors charge for one of about a megapixel, roughly.
    static let image = 1_000
    /// A file or a recording whose length is not known.
    static let attachment = 1_500
    /// What a turn, a tool or a part costs beside its text.
    static let turn = 4
    static let tool = 10

    /// Text in UTF-8. Words count a token for every six letters or part of it, digits one for three, other ASCII a
    /// half, Latin and Cyrillic beyond ASCII a third, and everything else four fifths for each character.
    static func tokens(_ text: UnsafeRawBufferPointer) -> Int {
        var twelfths = 0
        var word = 0
        var digits = 0
        for byte in text {
            switch byte | 0x20 {
            case UInt8(ascii: "a")...UInt8(ascii: "z") where byte < 0x80:
                if word % 6 == 0 { twelfths += 12 }
                word += 1
                digits = 0
                continue
            default: break
            }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if digits % 3 == 0 { twelfths += 12 }
                digits += 1
                word = 0
                continue
            case 0x20: break
            case ..<0x80: twelfths += 6
            case 0xc0..<0xe0: twelfths += 4
            case 0xe0...: twelfths += 10
            default: continue
            }
            word = 0
            digits = 0
        }
        return (twelfths + 11) / 12
    }

    /// A canonical request: everything that the model gets to read. Nil if it is none.
    static func request(_ canonical: [UInt8]) -> Int? {
        canonical.withUnsafeBytes { bytes in
            var tape = JSONTape()
            guard (try? tape.parse(bytes)) != nil, tape.kind(tape.root) == .object else { return nil }
            var sum = 3
            for name in ["system", "turns"] as [StaticString] {
                guard let list = tape.member(tape.root, named: name) else { continue }
                for item in tape.elements(of: list) { sum += turn + parts(tape.member(item, named: "parts"), tape) }
            }
            if let tools = tape.member(tape.root, named: "tools") {
                for item in tape.elements(of: tools) { sum += tool + strings(item, tape) }
            }
            if let format = tape.member(tape.root, path: "output", "format") { sum += strings(format, tape) }
            return sum
        }
    }

    /// A canonical response: everything that the model wrote. Nil if it is none.
    static func response(_ canonical: [UInt8]) -> Int? {
        canonical.withUnsafeBytes { bytes in
            var tape = JSONTape()
            guard (try? tape.parse(bytes)) != nil, let choices = tape.member(tape.root, named: "choices") else {
                return nil
            }
            var sum = 0
            for choice in tape.elements(of: choices) { sum += parts(tape.member(choice, named: "parts"), tape) }
            return sum
        }
    }

    /// The body of a request that no codec reads. What is no JSON has none.
    static func body(_ bytes: UnsafeRawBufferPointer) -> Int {
        var tape = JSONTape()
        guard (try? tape.parse(bytes)) != nil else { return 0 }
        return texts(tape.root, tape)
    }

    /// All strings that look like something to read; data counts as an image.
    private static func texts(_ index: JSONIndex, _ tape: borrowing JSONTape) -> Int {
        switch tape.kind(index) {
        case .string:
            let text = tape.rawString(index)
            return text.hasPrefix("data:") ? image : tokens(text)
        case .array:
            var sum = 0
            for item in tape.elements(of: index) { sum += texts(item, tape) }
            return sum
        case .object:
            var sum = 0
            for member in tape.members(of: index) {
                if tape.equals(member.key, "data"), tape.kind(member.value) == .string {
                    sum += image
                } else if !isNoText(member.key, tape) {
                    sum += texts(member.value, tape)
                }
            }
            return sum
        case .number: return 1
        case .null, .true, .false: return 0
        }
    }

    private static func isNoText(_ key: JSONIndex, _ tape: borrowing JSONTape) -> Bool {
        let names: [StaticString] = [
            "role", "mimeType", "mime_type", "model", "type", "thoughtSignature", "signature", "encrypted_content",
            "id", "call_id", "previous_response_id",
        ]
        return names.contains { tape.equals(key, $0) }
    }

    private static func parts(_ list: JSONIndex?, _ tape: borrowing JSONTape) -> Int {
        guard let list else { return 0 }
        var sum = 0
        for part in tape.elements(of: list) {
            guard let kind = tape.member(part, named: "k").flatMap({ tape.string($0) }) else { continue }
            switch kind {
            case "text", "refusal", "reasoning": sum += text(tape.member(part, named: "text"), tape)
            case "image": sum += image
            case "audio", "video", "file": sum += attachment
            case "tool_call":
                sum += tool + text(tape.member(part, named: "name"), tape)
                sum += text(tape.member(part, named: "args_raw"), tape)
            case "tool_result": sum += turn + parts(tape.member(part, named: "content"), tape)
            case "reasoning_redacted": break
            default: sum += strings(part, tape)
            }
        }
        return sum
    }

    private static func text(_ index: JSONIndex?, _ tape: borrowing JSONTape) -> Int {
        guard let index, tape.kind(index) == .string else { return 0 }
        return tokens(tape.rawString(index))
    }

    /// All keys and strings below a value.
    private static func strings(_ index: JSONIndex, _ tape: borrowing JSONTape) -> Int {
        switch tape.kind(index) {
        case .string: return tokens(tape.rawString(index))
        case .number: return 1
        case .array:
            var sum = 0
            for item in tape.elements(of: index) { sum += strings(item, tape) }
            return sum
        case .object:
            var sum = 0
            for member in tape.members(of: index) {
                sum += 1 + tokens(tape.rawString(member.key)) + strings(member.value, tape)
            }
            return sum
        case .null, .true, .false: return 1
        }
    }
}
