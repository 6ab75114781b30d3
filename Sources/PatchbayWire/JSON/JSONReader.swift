/// Reads a document from front to back in one pass, without a tree and without allocation: at every value the caller
/// says whether to enter it or to step over it.
///
/// What is read is checked as ``JSONFieldScanner`` checks it. Spans count from the first byte of the document.
package struct JSONReader {
    private var cursor: JSONCursor
    /// Containers that may still be opened.
    private var depth = JSONNesting.maxDepth

    /// Stands before the outermost value.
    package init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        cursor = try JSONCursor(bytes)
    }

    /// Whether the next value is an object.
    @inline(__always)
    package mutating func isAtObject() throws(JSONError) -> Bool { try cursor.nextByte() == UInt8(ascii: "{") }

    /// Whether the next value is an array.
    @inline(__always)
    package mutating func isAtArray() throws(JSONError) -> Bool { try cursor.nextByte() == UInt8(ascii: "[") }

    /// Steps over the next value, which is checked.
    @inline(__always)
    package mutating func value() throws(JSONError) -> JSONField {
        let byte = try cursor.nextByte()
        let start = cursor.position
        var hasEscapes = false
        let kind: JSONKind
        if byte == JSONBytes.quote {
            // The most frequent kind, without the way through all others.
            hasEscapes = try cursor.skipString()
            kind = .string
        } else {
            kind = try cursor.skipValue(maxDepth: depth, hasEscapes: &hasEscapes)
        }
        return JSONField(span: JSONSpan(start: start, end: cursor.position), kind: kind, hasEscapes: hasEscapes)
    }

    /// Enters the object that comes next. `member` is called behind every name and has to take the value, once.
    @inline(__always)
    package mutating func object(
        _ member: (JSONMemberName, inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        try open(UInt8(ascii: "{"), otherwise: .notAnObject)
        var byte = try cursor.nextByte()
        if byte != UInt8(ascii: "}") {
            while true {
                guard byte == JSONBytes.quote else { throw JSONError(.unexpectedByte, at: cursor.position) }
                let name = try name()
                try member(name, &self)
                guard try nextFollows(before: UInt8(ascii: "}")) else { break }
                byte = try cursor.nextByte()
            }
        }
        close()
    }

    /// Enters the array that comes next. `element` is called with the position of every element and has to take it,
    /// once.
    @inline(__always)
    package mutating func array(
        _ element: (Int, inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        try open(UInt8(ascii: "["), otherwise: .unexpectedByte)
        if try cursor.nextByte() != UInt8(ascii: "]") {
            var position = 0
            while true {
                try element(position, &self)
                guard try nextFollows(before: UInt8(ascii: "]")) else { break }
                position += 1
            }
        }
        close()
    }

    /// Refuses anything but white space behind the outermost value.
    package mutating func expectEnd() throws(JSONError) {
        try cursor.expectEnd()
    }

    // MARK: - Steps

    @inline(__always)
    private mutating func open(_ bracket: UInt8, otherwise code: JSONError.Code) throws(JSONError) {
        guard try cursor.nextByte() == bracket else { throw JSONError(code, at: cursor.position) }
        guard depth > 0 else { throw JSONError(.tooDeep, at: cursor.position) }
        depth -= 1
        cursor.position += 1
    }

    @inline(__always)
    private mutating func close() {
        depth += 1
        cursor.position += 1
    }

    /// Steps over the comma; false on the closing bracket.
    @inline(__always)
    private mutating func nextFollows(before bracket: UInt8) throws(JSONError) -> Bool {
        let byte = try cursor.nextByte()
        if byte == UInt8(ascii: ",") {
            cursor.position += 1
            return true
        }
        guard byte == bracket else { throw JSONError(.unexpectedByte, at: cursor.position) }
        return false
    }

    @inline(__always)
    private mutating func name() throws(JSONError) -> JSONMemberName {
        let start = cursor.position + 1
        let hasEscapes = try cursor.skipString()
        let name = JSONMemberName(
            start: cursor.base + start, count: cursor.position - 1 - start, hasEscapes: hasEscapes)
        guard try cursor.nextByte() == UInt8(ascii: ":") else {
            throw JSONError(.unexpectedByte, at: cursor.position)
        }
        cursor.position += 1
        return name
    }
}

/// The name of a member where it stands in the document.
package struct JSONMemberName {
    fileprivate let start: UnsafePointer<UInt8>
    fileprivate let count: Int
    fileprivate let hasEscapes: Bool

    /// Whether the name is this one, which is UTF-8 without escapes.
    @inline(__always)
    package func equals(_ name: StaticString) -> Bool {
        if hasEscapes { return equalsEscaped(name) }
        return count == name.utf8CodeUnitCount && JSONBytes.equal(start, name.utf8Start, count)
    }

    @inline(never)
    private func equalsEscaped(_ name: StaticString) -> Bool {
        JSONEscape.equals(
            UnsafeRawBufferPointer(start: start, count: count), hasEscapes: true,
            UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
}
