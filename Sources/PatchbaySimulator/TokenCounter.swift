/// Cuts text into pieces that stand for tokens. Joined again they are the text.
enum TokenCounter {
    /// A piece is a word of at most six letters with the space before it, or one sign, or one character of a script
    /// without spaces.
    static func pieces(of text: String) -> [String] {
        var result: [String] = []
        var piece = ""
        var letters = 0
        func flush() {
            if !piece.isEmpty { result.append(piece) }
            piece = ""
            letters = 0
        }
        for character in text {
            if character.isWhitespace {
                flush()
                piece.append(character)
            } else if isWordCharacter(character) {
                if letters == 6 { flush() }
                piece.append(character)
                letters += 1
            } else {
                if letters > 0 { flush() }
                piece.append(character)
                flush()
            }
        }
        flush()
        return result
    }

    static func count(_ text: String) -> Int { pieces(of: text).count }

    private static func isWordCharacter(_ character: Character) -> Bool {
        guard let scalar = character.unicodeScalars.first, scalar.value < 0x2E80 else { return false }
        return character.isLetter || character.isNumber || character == "'"
    }
}
