/// A pattern over UTF-8 bytes in which `*` stands for any run of bytes, the empty one too. Nothing else is special.
package struct GlobPattern: Sendable, Hashable {
    package let text: String
    private let bytes: [UInt8]

    package init(_ text: String) {
        self.text = text
        self.bytes = Array(text.utf8)
    }

    package static func isPattern(_ text: String) -> Bool { text.utf8.contains(UInt8(ascii: "*")) }

    /// It is `*` or `**`...: everything matches.
    package var matchesEverything: Bool { !bytes.isEmpty && bytes.allSatisfy { $0 == UInt8(ascii: "*") } }

    /// Linear in the length of the name for one `*`; at worst name times pattern, both of which are short.
    package func matches(_ name: UnsafeRawBufferPointer) -> Bool {
        bytes.withUnsafeBufferPointer { pattern in
            var position = 0
            var index = 0
            var star = -1
            var mark = 0
            while index < name.count {
                if position < pattern.count, pattern[position] == UInt8(ascii: "*") {
                    star = position
                    mark = index
                    position += 1
                } else if position < pattern.count, pattern[position] == name[index] {
                    position += 1
                    index += 1
                } else if star >= 0 {
                    position = star + 1
                    mark += 1
                    index = mark
                } else {
                    return false
                }
            }
            while position < pattern.count, pattern[position] == UInt8(ascii: "*") { position += 1 }
            return position == pattern.count
        }
    }

    package func matches(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
    }

    /// Orders patterns from the most specific: more literal bytes first, then fewer stars, then by text.
    package static func isMoreSpecific(_ left: GlobPattern, _ right: GlobPattern) -> Bool {
        let (leftLiterals, rightLiterals) = (left.literalCount, right.literalCount)
        if leftLiterals != rightLiterals { return leftLiterals > rightLiterals }
        if left.bytes.count != right.bytes.count { return left.bytes.count < right.bytes.count }
        return left.text < right.text
    }

    private var literalCount: Int { bytes.count { $0 != UInt8(ascii: "*") } }
}
