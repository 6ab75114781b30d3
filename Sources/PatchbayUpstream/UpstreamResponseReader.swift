import PatchbayWire

/// The protocol side of one connection: turns the bytes of one response after the other into steps. It does no I/O.
struct UpstreamResponseReader {
    enum Step: Equatable {
        /// Everything was taken; more bytes are needed.
        case needMore
        /// A head has begun but is incomplete: present its bytes again, together with those that follow.
        case headIncomplete
        /// An informational head of so many bytes, to be skipped.
        case informational(length: Int)
        /// The final head, of so many bytes.
        case head(length: Int)
        /// A piece of the body; continue behind `consumed`.
        case body(Range<Int>, consumed: Int)
        /// The response is complete; so many bytes belonged to it.
        case end(consumed: Int)
    }

    enum Closure: Equatable {
        /// The response ended with the connection, as its framing says.
        case complete
        /// The connection ended before the response did.
        case premature
    }

    private enum Phase {
        case head
        case length(Int)
        case chunked
        case untilClose
        case done
    }

    /// An upstream that sends more 1xx heads than this is not answering.
    private static let informationalLimit = 16

    private var phase = Phase.head
    private var parser: HTTPResponseHeadParser
    private var chunks = HTTPChunkedDecoder()
    private var informationalCount = 0
    /// At least one byte of the response has been seen.
    private(set) var hasBytes = false
    /// The connection can serve another request once this response has ended.
    private(set) var keepAlive = false

    init(limits: HTTPLimits) {
        parser = HTTPResponseHeadParser(limits: limits)
    }

    /// The final head has been seen.
    var hasHead: Bool {
        if case .head = phase { false } else { true }
    }

    /// Prepares for the response to a request.
    mutating func begin(requestIsHead: Bool) {
        phase = .head
        parser.reset()
        parser.requestMethodIsHead = requestIsHead
        informationalCount = 0
        hasBytes = false
        keepAlive = false
    }

    /// Takes the next step with bytes that have not been consumed; they may be empty.
    mutating func next(
        _ bytes: UnsafeRawBufferPointer, head: inout HTTPResponseHead
    ) throws(HTTPParseError) -> Step {
        switch phase {
        case .head:
            return try nextHead(bytes, &head)
        case .length(let remaining):
            guard remaining > 0 else {
                phase = .done
                return .end(consumed: 0)
            }
            guard !bytes.isEmpty else { return .needMore }
            let count = min(remaining, bytes.count)
            phase = .length(remaining - count)
            return .body(0..<count, consumed: count)
        case .chunked:
            return try nextChunk(bytes)
        case .untilClose:
            return bytes.isEmpty ? .needMore : .body(0..<bytes.count, consumed: bytes.count)
        case .done:
            return .end(consumed: 0)
        }
    }

    private mutating func nextHead(
        _ bytes: UnsafeRawBufferPointer, _ head: inout HTTPResponseHead
    ) throws(HTTPParseError) -> Step {
        guard !bytes.isEmpty else { return .needMore }
        hasBytes = true
        guard let length = try parser.parse(bytes, into: &head) else { return .headIncomplete }
        if head.isInformational {
            informationalCount += 1
            guard head.status != 101, informationalCount <= Self.informationalLimit else {
                throw HTTPParseError(.unexpectedUpgrade)
            }
            return .informational(length: length)
        }
        keepAlive = head.keepAlive
        switch head.framing {
        case .none: phase = .length(0)
        case .length(let count): phase = .length(count)
        case .chunked:
            phase = .chunked
            chunks = HTTPChunkedDecoder()
        case .untilClose: phase = .untilClose
        }
        return .head(length: length)
    }

    private mutating func nextChunk(_ bytes: UnsafeRawBufferPointer) throws(HTTPParseError) -> Step {
        switch try chunks.decode(bytes) {
        case .needMore: return .needMore
        case .data(let range, let consumed): return .body(range, consumed: consumed)
        case .end(let consumed):
            phase = .done
            return .end(consumed: consumed)
        }
    }

    /// The upstream has closed the connection.
    func inputClosed() -> Closure {
        if case .untilClose = phase { .complete } else { .premature }
    }
}
