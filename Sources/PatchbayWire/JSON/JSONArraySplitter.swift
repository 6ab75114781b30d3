/// Cuts a JSON array that arrives in pieces into its elements, as each becomes complete.
///
/// Looks at brackets and strings only; whether an element is valid JSON is for its reader to say.
package struct JSONArraySplitter: Sendable {
    /// The array is none, or an element is larger than allowed.
    package enum Failure: Error, Sendable {
        case notAnArray
        case elementTooLarge
    }

    private enum Place {
        case before, inside, after
    }

    private let maxElementBytes: Int
    private var place = Place.before
    private var depth = 0
    private var isString = false
    private var isEscaped = false
    private var element: [UInt8] = []

    package init(maxElementBytes: Int = 64 << 20) {
        self.maxElementBytes = maxElementBytes
    }

    /// The array's own end has been seen.
    package var isComplete: Bool { place == .after }

    /// Takes more bytes and hands every element that they complete to `body`, without the white space around it.
    package mutating func feed(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(Failure) {
        for byte in bytes {
            switch place {
            case .before: try begin(byte)
            case .inside: try take(byte, body)
            case .after: return
            }
        }
    }

    private mutating func begin(_ byte: UInt8) throws(Failure) {
        switch byte {
        case UInt8(ascii: "["): place = .inside
        case 0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF: break
        default: throw .notAnArray
        }
    }

    private mutating func take(_ byte: UInt8, _ body: (UnsafeRawBufferPointer) -> Void) throws(Failure) {
        if isString {
            element.append(byte)
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isString = false
            }
            guard element.count <= maxElementBytes else { throw .elementTooLarge }
            return
        }
        guard depth == 0 else { return try inside(byte, body) }
        switch byte {
        case UInt8(ascii: ","): flush(body)
        case UInt8(ascii: "]"):
            flush(body)
            place = .after
        case 0x20, 0x09, 0x0A, 0x0D: break
        default: try inside(byte, body)
        }
    }

    private mutating func inside(_ byte: UInt8, _ body: (UnsafeRawBufferPointer) -> Void) throws(Failure) {
        append(byte, body)
        guard element.count <= maxElementBytes else { throw .elementTooLarge }
    }

    /// An object or a list is complete with its last bracket, before the comma has come.
    private mutating func append(_ byte: UInt8, _ body: (UnsafeRawBufferPointer) -> Void) {
        element.append(byte)
        switch byte {
        case UInt8(ascii: "\""): isString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            if depth == 0 { flush(body) }
        default: break
        }
    }

    private mutating func flush(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard !element.isEmpty else { return }
        element.withUnsafeBytes(body)
        element.removeAll(keepingCapacity: element.capacity <= 1 << 16)
    }
}
