/// Finds members by their names in a frame without parsing it, for decoders that only account.
///
/// Quotes inside of strings are escaped, so that a hit is a name or a whole string; callers must not mind the latter.
package struct JSONMemberSearch: Sendable {
    private let names: (StaticString, StaticString, StaticString)
    private let letters: (UInt8, UInt8, UInt8)

    /// - Parameters: names without their quotes, not empty, that differ in their first letter.
    package init(_ first: StaticString, _ second: StaticString, _ third: StaticString) {
        names = (first, second, third)
        letters = (first.utf8Start[0], second.utf8Start[0], third.utf8Start[0])
    }

    /// Whether the document has a member of one of the names whose value is not null.
    package func hasValue(in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
        var index = 0
        // A candidate is a quote and the first letter of a name behind it.
        while bytes.count &- index > ByteBlock.count {
            let next = ByteBlock(base, index &+ 1)
            let isLetter = next.equal(letters.0) .| next.equal(letters.1) .| next.equal(letters.2)
            var hits = ByteBlock(base, index).equal(JSONBytes.quote) .& isLetter
            while let offset = ByteBlock.first(hits) {
                if hasValue(base, index &+ offset, bytes.count) { return true }
                hits[offset] = false
            }
            index &+= ByteBlock.count
        }
        while index < bytes.count {
            if base[index] == JSONBytes.quote, hasValue(base, index, bytes.count) { return true }
            index &+= 1
        }
        return false
    }

    /// Whether the quote at `start` begins one of the names and a value other than null follows.
    @inline(never)
    private func hasValue(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard start + 1 < end else { return false }
        let letter = base[start + 1]
        let name = letter == letters.0 ? names.0 : letter == letters.1 ? names.1 : names.2
        let length = name.utf8CodeUnitCount
        guard end - start >= length + 2, base[start + length + 1] == JSONBytes.quote,
            JSONBytes.equal(base + start + 1, name.utf8Start, length)
        else { return false }
        var position = start + length + 2
        while position < end, base[position] == 0x20 || base[position] == UInt8(ascii: ":") { position += 1 }
        return position == end || base[position] != UInt8(ascii: "n")
    }
}
