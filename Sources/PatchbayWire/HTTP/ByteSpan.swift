/// A range of bytes inside a buffer that somebody else owns: eight bytes, no pointer, no reference count.
///
/// A span is meaningful only together with the bytes it was made for; offsets count from their first byte.
package struct ByteSpan: Sendable, Hashable {
    package var start: Int32
    package var count: Int32

    @inlinable
    package init(start: Int, count: Int) {
        self.start = Int32(truncatingIfNeeded: start)
        self.count = Int32(truncatingIfNeeded: count)
    }

    package static let empty = ByteSpan(start: 0, count: 0)

    @inlinable
    package var isEmpty: Bool { count == 0 }

    @inlinable
    package var end: Int { Int(start) + Int(count) }

    @inlinable
    package var range: Range<Int> { Int(start)..<end }

    /// The spanned bytes; `bytes` must be the buffer the span was made for (it may have grown or moved since).
    @inlinable
    package func bytes(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[range])
    }

    /// A copy as text; bytes that are not UTF-8 are replaced. For logs and tests, not for the hot path.
    package func text(in bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: self.bytes(in: bytes), as: UTF8.self)
    }
}
