/// Takes from the beginning of a continuation what the client has already: white space that was cut off before the text
/// was given to the model, and the last words, which some models say once more.
///
/// Text is held back as long as it could be such a repetition, at most ``longest`` bytes.
struct OverlapTrimmer: Sendable {
    /// Fewer bytes than this may be the same by chance.
    static let shortest = 16
    static let longest = 256

    /// The end of what was delivered.
    private let tail: [UInt8]
    /// What stands before that.
    private let before: [UInt8]
    /// What is left of the white space behind it that has not been met again.
    private var space: ArraySlice<UInt8>
    /// Bytes of it.
    private let gap: Int
    private var held: [UInt8] = []
    private var isDecided = false

    /// - Parameters:
    ///   - delivered: The text that the client has, without the white space at its end.
    ///   - space: That white space.
    init(after delivered: ArraySlice<UInt8>, space: ArraySlice<UInt8>) {
        tail = Array(delivered.suffix(Self.longest))
        before = Array(delivered.dropLast(tail.count).suffix(Self.longest))
        self.space = space
        gap = space.count
    }

    /// Takes text of the continuation.
    ///
    /// - Returns: What the client is to get now.
    mutating func take(_ text: some Collection<UInt8>) -> [UInt8] {
        guard !isDecided else { return withoutSpace(Array(text)) }
        held.append(contentsOf: text)
        return mayRepeat ? [] : decide()
    }

    /// No more text follows.
    mutating func finish() -> [UInt8] {
        isDecided ? [] : decide()
    }

    /// Whether more text could make a repetition, or a longer one, of what is held.
    private var mayRepeat: Bool {
        if held.count < space.count, space.starts(with: held) { return true }
        guard held.count < tail.count else { return false }
        return tail.indices.contains { start in
            tail.count - start > held.count && tail[start...].starts(with: held)
        }
    }

    private mutating func decide() -> [UInt8] {
        isDecided = true
        let rest = Array(held.dropFirst(overlap))
        held = []
        return withoutSpace(rest)
    }

    /// The text without the white space that the client has already. It stands at the beginning, or behind the words
    /// that were said again.
    private mutating func withoutSpace(_ text: [UInt8]) -> [UInt8] {
        guard !space.isEmpty, !text.isEmpty else { return text }
        let common = zip(text, space).prefix { $0 == $1 }.count
        space = common == text.count ? space.dropFirst(common) : []
        return Array(text.dropFirst(common))
    }

    /// Bytes at the beginning of the held text that repeat the end of what was delivered.
    private var overlap: Int {
        var length = min(held.count, tail.count)
        while length >= Self.shortest {
            if tail.suffix(length).elementsEqual(held.prefix(length)) {
                return repeatsItself(length) ? 0 : length
            }
            length -= 1
        }
        return 0
    }

    /// Whether the end of what was delivered is the same so many bytes earlier, or within them: text that repeats
    /// itself, such as a line of dashes or the rows of a table, goes on like that by nature.
    private func repeatsItself(_ length: Int) -> Bool {
        let text = tail.suffix(length)
        let known = before + tail
        for gap in [0, gap] where known.dropLast(length + gap).suffix(length).elementsEqual(text) { return true }
        return (1...max(1, length / 2)).contains { period in
            text.dropFirst(period).elementsEqual(text.dropLast(period))
        }
    }
}
