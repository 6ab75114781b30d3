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
                for item in tape.elements(of: tools) { sum += tool + strings(item, tape, depth: 0) }
            }
            if let format = tape.member(tape.root, path: "output", "format") { sum += strings(format, tape, depth: 0) }
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
            default: sum += strings(part, tape, depth: 0)
            }
        }
        return sum
    }

    private static func text(_ index: JSONIndex?, _ tape: borrowing JSONTape) -> Int {
        guard let index, tape.kind(index) == .string else { return 0 }
        return tokens(tape.rawString(index))
    }

    /// All keys and strings below a value.
    private static func strings(_ index: JSONIndex, _ tape: borrowing JSONTape, depth: Int) -> Int {
        switch tape.kind(index) {
        case .string: return tokens(tape.rawString(index))
        case .number: return 1
        case .array:
            var sum = 0
            for item in tape.elements(of: index) { sum += strings(item, tape, depth: depth + 1) }
            return sum
        case .object:
            var sum = 0
            for member in tape.members(of: index) {
                sum += 1 + tokens(tape.rawString(member.key)) + strings(member.value, tape, depth: depth + 1)
            }
            return sum
        case .null, .true, .false: return 1
        }
    }
}

/// Sizes of the frames of a stream that is passed on unread, from which its content is estimated.
struct FrameSizes: Sendable {
    private var count = 0
    private var bytes = 0
    private var smallest = Int.max
    /// Of the newest frame; the last of all is the one that says why the answer ended, with no content at all.
    private var newest = 0

    /// Frames below this carry no content: signs of life and ends.
    private static let least = 64

    mutating func add(_ size: Int) {
        guard size >= FrameSizes.least else { return }
        if newest > 0 {
            count &+= 1
            bytes &+= newest
            smallest = min(smallest, newest)
        }
        newest = size
    }

    /// Every frame repeats the same members around its piece of content: what a frame has more than the smallest one is
    /// content, and each piece is a token at least.
    var tokens: Int {
        guard count > 1 else { return 0 }
        let content = bytes - count * smallest
        return max(content / 4, count - 1, 0)
    }
}
