#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Finds the empty line that ends a head. It remembers how far it has looked, so a head that arrives byte by byte is
/// still searched once, and refuses line endings other than CRLF as soon as they are seen.
struct HTTPHeadBoundary {
    /// Offset of the start line: 0, or 2 after a tolerated empty line.
    private(set) var start = 0
    private var searched = 0
    private var lineStart = 0

    /// The length of the head including its final empty line; nil = not there yet.
    mutating func find(
        in bytes: UnsafeRawBufferPointer, limit: Int, toleratesEmptyLine: Bool
    ) throws(HTTPParseError) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        while searched < bytes.count, let found = memchr(base + searched, 0x0A, bytes.count - searched) {
            let lineFeed = UnsafeRawPointer(found) - base
            guard lineFeed > lineStart, bytes[lineFeed - 1] == ASCII.carriageReturn else {
                throw HTTPParseError(.bareLineFeed)
            }
            let isEmpty = lineFeed - 1 == lineStart
            let isFirst = lineStart == start
            searched = lineFeed + 1
            lineStart = searched
            guard isEmpty else { continue }
            if !isFirst { return try checked(searched, limit) }
            guard toleratesEmptyLine, start == 0 else { throw HTTPParseError(.badRequestLine) }
            start = searched
        }
        searched = bytes.count
        guard bytes.count < limit else { throw HTTPParseError(.headTooLarge) }
        return nil
    }

    private func checked(_ length: Int, _ limit: Int) throws(HTTPParseError) -> Int {
        guard length <= limit else { throw HTTPParseError(.headTooLarge) }
        return length
    }
}
