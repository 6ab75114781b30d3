/// One member of an object that is walked through. Valid while the document is.
package struct JSONWalkMember {
    /// The name between its quotes, still escaped.
    let rawName: UnsafeRawBufferPointer
    let nameHasEscapes: Bool
    package let field: JSONField

    /// Whether the member has this name, which is UTF-8 without escapes.
    @inline(__always)
    package func isNamed(_ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        if !nameHasEscapes, rawName.count != count { return false }
        return matches(UnsafeRawBufferPointer(start: name.utf8Start, count: count))
    }

    @inline(never)
    private func matches(_ name: UnsafeRawBufferPointer) -> Bool {
        JSONEscape.equals(rawName, hasEscapes: nameHasEscapes, name)
    }
}

/// Reads documents member by member, in one pass, without a tree and without allocation.
///
/// What is walked over is checked as ``JSONFieldScanner`` checks it. Spans count from the first byte of the bytes that
/// the function was given.
package enum JSONWalk {
    /// Calls `body` for every member of the object that `bytes` are, in their order.
    package static func members(
        of bytes: UnsafeRawBufferPointer, _ body: (JSONWalkMember) -> Void
    ) throws(JSONError) {
        var members = try JSONMemberCursor(try JSONCursor(bytes), maxDepth: JSONNesting.maxDepth)
        while let member = try members.next() { body(JSONWalkMember(member, members)) }
        try members.expectEnd()
    }

    /// Calls `body` for every member of every object in the array that `bytes` are, with the position of the element,
    /// and `end` behind each element. Elements that are no objects have no members.
    package static func elementMembers(
        of bytes: UnsafeRawBufferPointer, _ body: (Int, JSONWalkMember) -> Void, end: (Int) -> Void
    ) throws(JSONError) {
        var cursor = try JSONCursor(bytes)
        guard try cursor.nextByte() == UInt8(ascii: "[") else {
            throw JSONError(.unexpectedByte, at: cursor.position)
        }
        cursor.position += 1
        var position = 0
        while true {
            var byte = try cursor.nextByte()
            if byte == UInt8(ascii: "]") { break }
            if position > 0 {
                guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: cursor.position) }
                cursor.position += 1
                byte = try cursor.nextByte()
            }
            try element(byte, position, &cursor, body)
            end(position)
            position += 1
        }
        cursor.position += 1
        try cursor.expectEnd()
    }

    @inline(__always)
    private static func element(
        _ byte: UInt8, _ position: Int, _ cursor: inout JSONCursor, _ body: (Int, JSONWalkMember) -> Void
    ) throws(JSONError) {
        guard byte == UInt8(ascii: "{") else {
            var hasEscapes = false
            _ = try cursor.skipValue(maxDepth: JSONNesting.maxDepth - 1, hasEscapes: &hasEscapes)
            return
        }
        var members = try JSONMemberCursor(cursor, maxDepth: JSONNesting.maxDepth - 1)
        while let member = try members.next() { body(position, JSONWalkMember(member, members)) }
        cursor.position = members.position
    }
}

extension JSONWalkMember {
    @inline(__always)
    fileprivate init(_ member: JSONMemberCursor.Member, _ members: borrowing JSONMemberCursor) {
        rawName = UnsafeRawBufferPointer(
            start: members.cursor.base + member.keyStart + 1, count: member.keyEnd - member.keyStart - 2)
        nameHasEscapes = member.keyHasEscapes
        field = JSONField(
            span: JSONSpan(start: member.valueStart, end: member.valueEnd), kind: member.kind,
            hasEscapes: member.valueHasEscapes)
    }
}
