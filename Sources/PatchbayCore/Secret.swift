/// Text that must never appear in a log, a description, an error or an API answer.
///
/// It has no `Codable` conformance and prints as a fixed placeholder. Whoever needs the text calls
/// ``reveal()``, so every use can be found by searching for that name.
package struct Secret: Sendable, Hashable {
    private let text: String

    package init(_ text: String) {
        self.text = text
    }

    /// The text itself.
    package func reveal() -> String {
        text
    }

    package var isEmpty: Bool { text.isEmpty }

    /// The first `count` characters, for showing which secret it is. Never more than a third of the text.
    package func prefix(_ count: Int) -> String {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return String(text.prefix(min(count, text.count / 3))) }
        return String(text.unicodeScalars.prefix(min(count, text.utf8.count / 3)))
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "[secret]" }
    package var debugDescription: String { "[secret]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
