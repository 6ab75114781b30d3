#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Recognises the head of a request that says again what the head before it said: clients send the same fields with
/// every request of a connection, and only the length of the body differs.
///
/// A head whose bytes are those of the one that was parsed, but for the digits of its Content-Length, means what that
/// one meant with another length. Whatever differs more, or is not complete, is left to the parser.
package struct HTTPRepeatedHead: Sendable {
    /// Heads beyond this are not kept.
    private static let limit = 4096

    /// The head that was parsed; empty = none.
    private var bytes: [UInt8] = []
    /// The digits of the Content-Length in `bytes`.
    private var digits = 0..<0
    /// As many digits the head has that the spans were last adjusted to.
    private var currentDigits = 0
    /// Heads that were kept for nothing, one after the other.
    private var misses = 0

    package init() {}

    /// There is a head to compare with.
    package var isKept: Bool { !bytes.isEmpty }

    /// Forgets the head: another one has been parsed.
    package mutating func forget() {
        if !bytes.isEmpty { bytes = [] }
    }

    /// Keeps a head for comparison, if it states the length of a body.
    ///
    /// - Parameters:
    ///   - head: as it was parsed from `bytes`.
    ///   - bytes: the whole head and nothing else.
    package mutating func keep(_ head: borrowing HTTPRequestHead, _ bytes: UnsafeRawBufferPointer) {
        forget()
        misses += 1
        // Clients that say something new every time are seldom asked again.
        guard misses < 8 || misses % 32 == 0 else { return }
        guard bytes.count <= HTTPRepeatedHead.limit, case .length = head.framing,
            let field = head.fields.only(.contentLength)
        else { return }
        digits = field.range
        currentDigits = digits.count
        self.bytes = Array(bytes)
    }

    /// Looks whether `input` begins with a complete head that repeats the one that was kept.
    ///
    /// - Parameters:
    ///   - limit: of the bytes of a head.
    ///   - head: what ``keep(_:_:)`` got or the call before left, unchanged; is told the length of the new body, and
    ///     its spans are those of the new head.
    /// - Returns: the length of the head; nil if it has to be parsed, with `head` as it was.
    package mutating func match(
        _ input: UnsafeRawBufferPointer, limit: Int, into head: inout HTTPRequestHead
    ) -> Int? {
        guard let start = input.baseAddress else { return nil }
        let front = digits.lowerBound
        let known = digits.upperBound
        let found: (length: Int, body: Int, digits: Int)? = bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, input.count > front, memcmp(start, base, front) == 0 else { return nil }
            var position = front
            var body = 0
            while position < input.count, case let digit = start.byte(position) &- ASCII.zero, digit < 10 {
                body = body &* 10 &+ Int(digit)
                position += 1
                // More than the parser takes as a length.
                guard position - front <= 18 else { return nil }
            }
            let rest = bytes.count - known
            let length = position + rest
            guard position > front, length <= input.count, length <= limit,
                memcmp(start + position, base + known, rest) == 0
            else { return nil }
            return (length, body, position - front)
        }
        guard let found else { return nil }
        misses = 0
        head.framing = .length(found.body)
        if found.digits != currentDigits { adjust(&head, to: found.digits) }
        return found.length
    }

    /// Moves the spans behind a Content-Length that has another number of digits now.
    private mutating func adjust(_ head: inout HTTPRequestHead, to count: Int) {
        let shift = Int32(count - currentDigits)
        currentDigits = count
        for index in head.fields.indices {
            if Int(head.fields[index].value.start) == digits.lowerBound {
                head.fields[index].value.count += shift
            } else if Int(head.fields[index].value.start) > digits.lowerBound {
                head.fields[index].name.start += shift
                head.fields[index].value.start += shift
            }
        }
    }
}
