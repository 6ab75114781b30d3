#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A borrowed view of bytes or UTF-8 text, passed by the host without a copy.
///
/// The view is valid until the function that received it returns. Never store it: take ``string`` or ``array`` to keep
/// the content. Comparisons with literals neither copy nor allocate:
///
///     switch attempt.format {
///     case "openai.chat": …
///     default: throw PluginError(.unsupported, "…")
///     }
///
/// Absent (no value) and empty (the value of no bytes) differ, see ``isAbsent``.
public struct ByteView {
    @usableFromInline let base: UnsafePointer<UInt8>?
    /// Number of bytes.
    public let count: Int

    @inlinable
    public init(base: UnsafePointer<UInt8>?, count: Int) {
        self.base = base
        self.count = base == nil ? 0 : count
    }

    /// A view of the same bytes, with the same lifetime.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.init(base: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: bytes.count)
    }

    /// No value.
    @inlinable public static var absent: ByteView { ByteView(base: nil, count: 0) }

    /// True if there is no value, as opposed to an empty one.
    @inlinable public var isAbsent: Bool { base == nil }

    /// True if there are no bytes, absent or not.
    @inlinable public var isEmpty: Bool { count == 0 }

    /// The bytes, valid as long as the view.
    @inlinable public var raw: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// The bytes, valid as long as the view.
    @inlinable public var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    /// A copy as text; invalid UTF-8 becomes U+FFFD.
    @inlinable public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// A copy as text, or nil if absent.
    @inlinable public var optionalString: String? { isAbsent ? nil : string }

    /// A copy of the bytes.
    @inlinable public var array: [UInt8] { Array(bytes) }

    /// The byte at an offset in `0..<count`.
    @inlinable public subscript(offset: Int) -> UInt8 { bytes[offset] }

    /// A part of the view; `range` must lie in `0..<count`.
    @inlinable public subscript(range: Range<Int>) -> ByteView {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside of the view")
        return ByteView(base: base.map { $0 + range.lowerBound }, count: range.count)
    }
}

extension ByteView {
    @inlinable
    public static func == (view: ByteView, text: StaticString) -> Bool {
        view.count == text.utf8CodeUnitCount && view.hasPrefix(text)
    }

    @inlinable public static func != (view: ByteView, text: StaticString) -> Bool { !(view == text) }

    /// Lets a view stand in a `switch` over literals.
    @inlinable public static func ~= (text: StaticString, view: ByteView) -> Bool { view == text }

    @inlinable
    public static func == (left: ByteView, right: ByteView) -> Bool {
        left.count == right.count && left.isAbsent == right.isAbsent && left.matches(right.bytes, at: 0)
    }

    /// True if the bytes begin with `text`.
    @inlinable
    public func hasPrefix(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { matches($0, at: 0) }
    }

    /// True if the bytes end with `text`.
    @inlinable
    public func hasSuffix(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { matches($0, at: count - $0.count) }
    }

    @usableFromInline
    func matches(_ other: UnsafeBufferPointer<UInt8>, at offset: Int) -> Bool {
        guard offset >= 0, offset <= count, other.count <= count - offset else { return false }
        guard let base, let otherBase = other.baseAddress, other.count > 0 else { return other.count == 0 }
        return memcmp(base + offset, otherBase, other.count) == 0
    }

    /// Offset of the first occurrence of `text` at or after `start`, or nil.
    ///
    /// - Parameter ignoringCase: treats ASCII letters of both cases as equal; `text` must then be in lower case.
    public func offset(of text: StaticString, from start: Int = 0, ignoringCase: Bool = false) -> Int? {
        text.withUTF8Buffer { needle in
            guard let first = needle.first else { return start <= count ? start : nil }
            var offset = start
            let bytes = bytes
            while offset + needle.count <= count {
                if fold(bytes[offset], ignoringCase) == first {
                    var length = 1
                    while length < needle.count, fold(bytes[offset + length], ignoringCase) == needle[length] {
                        length += 1
                    }
                    if length == needle.count { return offset }
                }
                offset += 1
            }
            return nil
        }
    }

    /// True if `text` occurs.
    public func contains(_ text: StaticString, ignoringCase: Bool = false) -> Bool {
        offset(of: text, ignoringCase: ignoringCase) != nil
    }

    /// Without ASCII white space at both ends.
    public var trimmed: ByteView {
        var low = 0
        var high = count
        let bytes = bytes
        while low < high, isSpace(bytes[low]) { low += 1 }
        while high > low, isSpace(bytes[high - 1]) { high -= 1 }
        return self[low..<high]
    }
}

@inline(__always)
private func fold(_ byte: UInt8, _ ignoringCase: Bool) -> UInt8 {
    ignoringCase && byte &- 0x41 < 26 ? byte | 0x20 : byte
}

@inline(__always)
private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
}
