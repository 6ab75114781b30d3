import NIOCore
import PatchbayCore
import PatchbayWire

/// What the client of a stream has heard while it waits.
struct ClientSilence {
    /// The head of the answer is out although nothing of an answer is: the status is 200 whatever comes.
    var isHeadSent = false
    /// Bytes of the answer at the last look, and since when they have been so many.
    var sent = 0
    var since: Int64 = 0

    init(since: Int64 = 0) {
        self.since = since
    }
}

/// Signs of life for clients that wait for a stream: a slow first token, or a pause in the middle.
///
/// They are no part of an answer. Before the first content of one they commit the gateway to the status 200 and to
/// nothing else: another channel may still be tried, and if all fail the client gets the error of its dialect as an
/// event.
extension Exchange {
    /// Called with every tick of a streaming request.
    func breakSilence(now: Int64) {
        guard sentToClient == silence.sent else {
            silence.sent = sentToClient
            silence.since = now
            return
        }
        guard now - silence.since >= loop.timeouts.heartbeat.milliseconds, connection.isWritable else { return }
        silence.since = now
        sendSignOfLife()
    }

    /// False if the dialect knows none.
    @discardableResult
    private func sendSignOfLife() -> Bool {
        guard let sign = dialect.signOfLife, mayShowLife else { return false }
        var buffer = connection.buffer(capacity: 512)
        writeStreamHead(into: &buffer)
        let sentBefore = sentToClient
        append(chunk: sign, to: &buffer)
        sentToClient = sentBefore
        connection.write(buffer)
        connection.flush()
        return true
    }

    /// The client has closed its side of the connection. If that was all, it still waits for its answer; if it is gone,
    /// the next bytes come back as a reset. So something harmless is sent at once: a sign of life into a stream that
    /// has begun, else an informational head, which every client has to skip (RFC 9110 section 15.2).
    func clientClosedInput() {
        switch state {
        case .streaming: sendSignOfLife()
        case .waiting where silence.isHeadSent: sendSignOfLife()
        case .waiting where connection.acceptsChunked:
            var interim = connection.buffer(capacity: 32)
            interim.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            connection.write(interim)
            connection.flush()
        case .waiting, .idle, .receiving, .looking, .sending, .finished: break
        }
    }

    /// Ends a stream that consists of signs of life only with an error document of the client's dialect.
    func breakStream(document: ByteBuffer) {
        var frame = Array(dialect == .anthropic ? "event: error\ndata: ".utf8 : "data: ".utf8)
        // Line ends mean nothing in JSON outside of strings, where they cannot stand, and end a field of an event.
        frame += document.readableBytesView.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }
        frame += "\n\n".utf8
        write(chunk: frame)
        endConnection()
    }
}

extension Dialect {
    /// A frame that the official clients skip (formats.md sections 1.3 and 1.4); nil where they would take it for data.
    var signOfLife: [UInt8]? {
        switch self {
        case .openAI: Dialect.comment
        case .anthropic: Dialect.ping
        case .gemini: Dialect.blankLine
        }
    }

    private static let comment = Array(": ka\n\n".utf8)
    /// Google's client fails on comments and on events without data, but skips blank lines; in an array it is white
    /// space.
    private static let blankLine = Array("\r\n".utf8)
    private static let ping = Array("event: ping\ndata: {\"type\":\"ping\"}\n\n".utf8)
}
