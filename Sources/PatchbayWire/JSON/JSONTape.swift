/// The place of a value or key on a tape.
@usableFromInline
package struct JSONIndex: Sendable, Hashable {
    @usableFromInline package let rawValue: Int32

    @inlinable package init(_ position: Int) {
        rawValue = Int32(truncatingIfNeeded: position)
    }

    @inlinable package var position: Int { Int(rawValue) }
}

/// One pass over a document into a flat array of tokens: kind, offsets and a link behind the value.
///
/// Nothing is copied or unescaped; the tape points into the bytes given to ``parse(_:maxDepth:maxTokens:)``,
/// so those must stay where they are until the next parse or ``reset(keeping:)``. Keep one tape and parse again and
/// again: its storage is reused. In an object each member is a key token followed by the value.
@usableFromInline
package struct JSONTape {
    @usableFromInline
    package struct Token {
        @usableFromInline package var start: Int32
        @usableFromInline package var end: Int32
        /// Behind the last token of this value. While a container is open: its parent.
        @usableFromInline package var link: Int32
        @usableFromInline package var kind: JSONKind
        @usableFromInline package var hasEscapes: Bool
        /// The last member or element of its container.
        @usableFromInline package var isLast: Bool
    }

    /// Filled up to `count`; the rest is spare room.
    @usableFromInline package var tokens: ContiguousArray<Token>
    /// Tokens of the last successful parse.
    @usableFromInline package private(set) var count = 0
    /// The bytes of the last parse.
    @usableFromInline package private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)

    package init() {
        tokens = []
    }

    /// The outermost value. Only valid after a successful parse.
    @inlinable package var root: JSONIndex { JSONIndex(0) }

    /// Reads exactly one JSON document (RFC 8259), white space around it allowed.
    ///
    /// - Parameters:
    ///   - bytes: at most 2 GiB; not copied.
    ///   - maxDepth: open containers allowed at once; at most 128.
    ///   - maxTokens: values plus keys allowed.
    /// - Throws: the first violation; the tape is then empty.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, maxDepth: Int = 128, maxTokens: Int = 1 << 22
    ) throws(JSONError) {
        self.bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        count = 0
        if tokens.isEmpty { grow(to: 128) }
        var needed = try fill(bytes, maxDepth: maxDepth)
        if needed > tokens.count {
            guard needed <= maxTokens else { throw JSONError(.tooManyTokens, at: 0) }
            grow(to: needed)
            needed = try fill(bytes, maxDepth: maxDepth)
        }
        guard needed <= maxTokens else { throw JSONError(.tooManyTokens, at: 0) }
        count = needed
        self.bytes = bytes
    }

    /// Forgets the document, and gives storage back when it holds more than `keeping` tokens (16 bytes each).
    package mutating func reset(keeping: Int = 1 << 16) {
        count = 0
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        if tokens.count > keeping { tokens = [] }
    }

    private mutating func grow(to needed: Int) {
        var capacity = 128
        while capacity < needed { capacity *= 2 }
        // Nothing behind `count` is read, so it need not be blank.
        tokens = ContiguousArray(unsafeUninitializedCapacity: capacity) { _, count in count = capacity }
    }

    /// Returns how many tokens the document has, which may be more than there was room for.
    private mutating func fill(_ bytes: UnsafeRawBufferPointer, maxDepth: Int) throws(JSONError) -> Int {
        var cursor = try JSONCursor(bytes)
        return try tokens.withUnsafeMutableBufferPointer { room throws(JSONError) -> Int in
            var sink = JSONTapeSink(room: room)
            try cursor.walk(&sink, maxDepth: maxDepth)
            try cursor.expectEnd()
            return sink.count
        }
    }
}

/// Writes tokens into room that does not grow; once full it only counts.
private struct JSONTapeSink: JSONSink {
    let room: UnsafeMutableBufferPointer<JSONTape.Token>
    var count = 0
    /// The innermost open container, or -1.
    var container: Int32 = -1
    /// The value completed last: the last child when a container closes.
    var previous = 0

    init(room: UnsafeMutableBufferPointer<JSONTape.Token>) {
        self.room = room
    }

    @inline(__always)
    mutating func append(_ kind: JSONKind, from start: Int, to end: Int, hasEscapes: Bool, link: Int32) {
        if count < room.count {
            room[count] = JSONTape.Token(
                start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end), link: link, kind: kind,
                hasEscapes: hasEscapes, isLast: false)
        }
        count += 1
    }

    @inline(__always)
    mutating func open(_ kind: JSONKind, at start: Int) {
        append(kind, from: start, to: start, hasEscapes: false, link: container)
        container = Int32(truncatingIfNeeded: count - 1)
    }

    @inline(__always)
    mutating func close(before end: Int) {
        guard count <= room.count else { return }
        let index = Int(container)
        if count > index + 1 { room[previous].isLast = true }
        container = room[index].link
        room[index].end = Int32(truncatingIfNeeded: end)
        room[index].link = Int32(truncatingIfNeeded: count)
        previous = index
    }

    @inline(__always)
    mutating func key(from start: Int, to end: Int, hasEscapes: Bool) {
        append(.string, from: start, to: end, hasEscapes: hasEscapes, link: Int32(truncatingIfNeeded: count + 1))
    }

    @inline(__always)
    mutating func scalar(_ kind: JSONKind, from start: Int, to end: Int, hasEscapes: Bool) {
        previous = count
        append(kind, from: start, to: end, hasEscapes: hasEscapes, link: Int32(truncatingIfNeeded: count + 1))
    }
}
