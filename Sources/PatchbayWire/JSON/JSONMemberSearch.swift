/// Looks for members by their names, at any depth, in one pass without a tape: for decoders that only account and pass
/// most frames on as they stand.
package struct JSONMemberSearch: Sendable {
    private let names: (StaticString, StaticString, StaticString)

    /// - Parameters: names in UTF-8, unescaped.
    package init(_ first: StaticString, _ second: StaticString, _ third: StaticString) {
        names = (first, second, third)
    }

    /// Whether `bytes` are exactly one well-formed object (RFC 8259) and hold no member of one of the names whose value
    /// is not null. Bytes of strings are not checked for UTF-8.
    package func isObjectWithout(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do throws(JSONError) {
            var cursor = try JSONCursor(bytes)
            guard try cursor.nextByte() == UInt8(ascii: "{") else { return false }
            var sink = Sink(names: names, base: cursor.base)
            try cursor.walk(&sink, maxDepth: JSONNesting.maxDepth)
            try cursor.expectEnd()
            return !sink.hasFound
        } catch {
            return false
        }
    }

    private struct Sink: JSONSink {
        let names: (StaticString, StaticString, StaticString)
        let base: UnsafePointer<UInt8>
        /// The key read last has one of the names.
        var isNamed = false
        var hasFound = false

        @inline(__always)
        mutating func key(from start: Int, to end: Int, hasEscapes: Bool) {
            // What an escaped key says is not worth knowing: nobody writes these names so.
            isNamed =
                hasEscapes || says(names.0, start, end) || says(names.1, start, end) || says(names.2, start, end)
        }

        @inline(__always)
        private func says(_ name: StaticString, _ start: Int, _ end: Int) -> Bool {
            end &- start &- 2 == name.utf8CodeUnitCount
                && JSONBytes.equal(base + start + 1, name.utf8Start, name.utf8CodeUnitCount)
        }

        @inline(__always)
        mutating func scalar(_ kind: JSONKind, from start: Int, to end: Int, hasEscapes: Bool) {
            if isNamed, kind != .null { hasFound = true }
            isNamed = false
        }

        @inline(__always)
        mutating func open(_ kind: JSONKind, at start: Int) {
            if isNamed { hasFound = true }
            isNamed = false
        }

        @inline(__always) mutating func close(before end: Int) {}
    }
}
