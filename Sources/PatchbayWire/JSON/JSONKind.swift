/// What a JSON value is.
@usableFromInline
package enum JSONKind: UInt8, Sendable, Hashable {
    case null
    case `false`
    case `true`
    case number
    case string
    case array
    case object

    // Patterns, because the synthesised == and rawValue cannot be inlined into other modules.
    @inlinable package var isBool: Bool {
        switch self {
        case .true, .false: true
        default: false
        }
    }

    @inlinable package var isContainer: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }
}

/// A part of a document, as byte offsets from its start.
@usableFromInline
package struct JSONSpan: Sendable, Hashable {
    @usableFromInline package var start: Int32
    @usableFromInline package var end: Int32

    @inlinable package init(start: Int, end: Int) {
        self.start = Int32(truncatingIfNeeded: start)
        self.end = Int32(truncatingIfNeeded: end)
    }

    @inlinable package var count: Int { Int(end) - Int(start) }
    @inlinable package var isEmpty: Bool { start == end }
    @inlinable package var range: Range<Int> { Int(start)..<Int(end) }

    /// The bytes of this span in the document it was found in.
    @inlinable package func bytes(in document: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: document[range])
    }
}
