/// Lower-case letters, digits and hyphens, beginning with a letter; at most 64 bytes.
func isPluginID(_ text: String) -> Bool {
    text.utf8.count <= 64 && isLower(text.utf8.first) && text.utf8.last != UInt8(ascii: "-")
        && text.utf8.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
}

/// Lower-case letters, digits and underscores, beginning with a letter.
func isWord(_ text: String) -> Bool {
    isLower(text.utf8.first) && text.utf8.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
}

/// Words with dots, such as `openai.chat`.
func isFormatID(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count >= 2
        && parts.allSatisfy { part in
            isLower(part.utf8.first)
                && part.utf8.allSatisfy {
                    isLower($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                }
        }
}

/// Words of lower-case letters, digits and underscores, separated by dots.
func isOperationName(_ text: String) -> Bool {
    text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isWord(String($0)) }
}

/// Three numbers with dots; a pre-release or build part may follow.
func isVersion(_ text: String) -> Bool {
    let core = text.prefix { $0 != "-" && $0 != "+" }
    let parts = core.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 3 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }
}

/// The name of a Swift type.
func isTypeName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !isDigit(first) else { return false }
    return text.utf8.allSatisfy { isLower($0 | 0x20) || isDigit($0) || $0 == UInt8(ascii: "_") }
}

private func isLower(_ byte: UInt8?) -> Bool { byte.map { (0x61...0x7A).contains($0) } ?? false }
private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
