/// Tells reasoning from text in an answer that begins with `<think>` and goes on after `</think>`, as servers of open
/// models write it that do not separate the two (formats.md E-36).
///
/// The tag counts only at the very beginning, after white space at most; anywhere else it is text. What could be the
/// beginning of a tag is held back until the next piece shows it. Reasoning that is never closed stays reasoning.
struct ThinkTagSplitter {
    enum Piece: Equatable {
        case reasoning(String)
        case text(String)
    }

    private enum State { case beginning, opened, reasoning, afterReasoning, text }

    private static let opening = "<think>"
    private static let closing = "</think>"
    private var state = State.beginning
    private var held = ""

    /// Takes the next piece of text and returns what is known of it.
    mutating func add(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        held += text
        while advance(&pieces) {}
        return pieces
    }

    /// No more text comes.
    mutating func finish() -> [Piece] {
        defer { held = "" }
        guard !held.isEmpty else { return [] }
        switch state {
        case .beginning, .text: return [.text(held)]
        case .reasoning: return [.reasoning(held)]
        case .opened, .afterReasoning: return []
        }
    }

    /// Whole text at once.
    static func split(_ text: String) -> [Piece] {
        var splitter = ThinkTagSplitter()
        let pieces = splitter.add(text) + splitter.finish()
        return pieces.reduce(into: []) { joined, piece in
            switch (joined.last, piece) {
            case (.text(let first)?, .text(let second)): joined[joined.count - 1] = .text(first + second)
            case (.reasoning(let first)?, .reasoning(let second)):
                joined[joined.count - 1] = .reasoning(first + second)
            default: joined.append(piece)
            }
        }
    }

    /// One step; false when more text is needed.
    private mutating func advance(_ pieces: inout [Piece]) -> Bool {
        guard !held.isEmpty else { return false }
        switch state {
        case .beginning: return begin()
        // The line breaks behind either tag belong to neither reasoning nor text.
        case .opened: return skip(to: .reasoning) { $0.isNewline }
        case .reasoning: return reason(&pieces)
        case .afterReasoning: return skip(to: .text) { $0.isWhitespace }
        case .text:
            pieces.append(.text(held))
            held = ""
            return false
        }
    }

    private mutating func begin() -> Bool {
        let rest = held.drop { $0.isWhitespace }
        if rest.hasPrefix(Self.opening) {
            held = String(rest.dropFirst(Self.opening.count))
            state = .opened
            return true
        }
        if Self.opening.hasPrefix(rest) { return false }
        state = .text
        return true
    }

    private mutating func skip(to next: State, _ isSkipped: (Character) -> Bool) -> Bool {
        held = String(held.drop(while: isSkipped))
        guard !held.isEmpty else { return false }
        state = next
        return true
    }

    private mutating func reason(_ pieces: inout [Piece]) -> Bool {
        if let range = Self.range(of: Self.closing, in: held) {
            if range.lowerBound > held.startIndex { pieces.append(.reasoning(String(held[..<range.lowerBound]))) }
            held = String(held[range.upperBound...])
            state = .afterReasoning
            return true
        }
        let kept = Self.tail(of: held, startingLike: Self.closing)
        let ready = held.dropLast(kept)
        if !ready.isEmpty { pieces.append(.reasoning(String(ready))) }
        held = String(held.suffix(kept))
        return false
    }

    private static func range(of word: String, in text: String) -> Range<String.Index>? {
        var start = text.startIndex
        while start < text.endIndex {
            if text[start...].hasPrefix(word) { return start..<text.index(start, offsetBy: word.count) }
            start = text.index(after: start)
        }
        return nil
    }

    /// How many characters at the end of a text could be the beginning of a word.
    private static func tail(of text: String, startingLike word: String) -> Int {
        let longest = min(text.count, word.count - 1)
        return stride(from: longest, to: 0, by: -1).first { word.hasPrefix(text.suffix($0)) } ?? 0
    }
}
