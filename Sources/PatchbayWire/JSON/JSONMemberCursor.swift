/// Steps through the members of one object and checks everything it passes.
struct JSONMemberCursor {
    /// Offsets of one member. The key span includes the quotes.
    struct Member {
        /// The comma before the key, or -1 for the first member.
        var comma: Int
        var keyStart: Int
        var keyEnd: Int
        var keyHasEscapes: Bool
        var valueStart: Int
        var valueEnd: Int
        var kind: JSONKind
        var valueHasEscapes: Bool
    }

    private(set) var cursor: JSONCursor
    private let maxDepth: Int
    private var isFirst = true

    /// Begins on the opening brace, white space before it allowed.
    ///
    /// - Parameter maxDepth: open containers allowed at once, this object included.
    init(_ cursor: JSONCursor, maxDepth: Int) throws(JSONError) {
        self.cursor = cursor
        self.maxDepth = min(maxDepth, JSONNesting.maxDepth) - 1
        guard self.maxDepth >= 0 else { throw JSONError(.tooDeep, at: cursor.position) }
        guard try self.cursor.nextByte() == UInt8(ascii: "{") else {
            throw JSONError(.notAnObject, at: self.cursor.position)
        }
        self.cursor.position += 1
    }

    /// Behind what was read so far.
    var position: Int { cursor.position }

    /// The next member, or nil behind the closing brace.
    @inline(__always)
    mutating func next() throws(JSONError) -> Member? {
        var byte = try cursor.nextByte()
        var comma = -1
        if byte == UInt8(ascii: "}") {
            cursor.position += 1
            return nil
        }
        if isFirst {
            isFirst = false
        } else {
            guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: cursor.position) }
            comma = cursor.position
            cursor.position += 1
            byte = try cursor.nextByte()
        }
        guard byte == JSONBytes.quote else { throw JSONError(.unexpectedByte, at: cursor.position) }
        return try member(after: comma)
    }

    @inline(__always)
    private mutating func member(after comma: Int) throws(JSONError) -> Member {
        let keyStart = cursor.position
        let keyHasEscapes = try cursor.skipString()
        let keyEnd = cursor.position
        guard try cursor.nextByte() == UInt8(ascii: ":") else {
            throw JSONError(.unexpectedByte, at: cursor.position)
        }
        cursor.position += 1
        cursor.skipWhitespace()
        let valueStart = cursor.position
        var valueHasEscapes = false
        let kind = try cursor.skipValue(maxDepth: maxDepth, hasEscapes: &valueHasEscapes)
        return Member(
            comma: comma, keyStart: keyStart, keyEnd: keyEnd, keyHasEscapes: keyHasEscapes, valueStart: valueStart,
            valueEnd: cursor.position, kind: kind, valueHasEscapes: valueHasEscapes)
    }

    /// Whether the key of `member` says `name`.
    @inline(__always)
    func matches(_ member: Member, _ name: UnsafeRawBufferPointer) -> Bool {
        let length = member.keyEnd - member.keyStart - 2
        if !member.keyHasEscapes, length != name.count { return false }
        let raw = UnsafeRawBufferPointer(start: cursor.base + member.keyStart + 1, count: length)
        return JSONEscape.equals(raw, hasEscapes: member.keyHasEscapes, name)
    }

    /// Refuses anything but white space behind the object.
    mutating func expectEnd() throws(JSONError) {
        try cursor.expectEnd()
    }
}
