import NIOCore
import PatchbayCore
import PatchbayUpstream
import PatchbayWire
import Synchronization

/// One client connection: reads requests one after the other, hands each to an ``Exchange`` and writes what it answers.
///
/// Lives on one event loop. Requests that a client pipelines wait in the buffer until the one before has been answered.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase: Equatable {
        /// Waiting for a request, or reading its head.
        case head
        /// Reading a body of known length; so many bytes are missing.
        case body(remaining: Int)
        case chunkedBody
        /// The exchange works; more input is the next request.
        case answering
        /// The request was refused before its body had come: the body is thrown away.
        case discarding(remaining: Int)
        /// The last answer is out; input is thrown away until the client closes, so that no reset destroys the answer.
        case lingering
        case closed
    }

    let loop: LoopContext
    private(set) var context: ChannelHandlerContext?
    private(set) var phase = Phase.head
    /// Bytes received and not yet consumed.
    private var incoming = ByteBuffer()
    private var parser: HTTPRequestHeadParser
    private var chunks = HTTPChunkedDecoder()
    /// The head of the current request; its spans point into `headBytes`.
    private(set) var head = HTTPRequestHead()
    private(set) var headBytes = ByteBuffer()
    private var repeatedHead = HTTPRepeatedHead()
    private let headLimit: Int
    /// Goes up with every head that says something else than the one before, but for the length of the body.
    private(set) var headSerial = 0
    /// A request has been answered and the connection stayed open: what is kept may be of use.
    private(set) var isReused = false
    private var body = ByteBuffer()
    /// When the current phase has lasted too long, in nanoseconds of the monotonic clock.
    var deadline = Int64.max
    private var keepAlive = true
    private var isProcessing = false
    private var isReadingPaused = false
    /// The client has shut down its side; what it sent before is still answered.
    private var isInputClosed = false
    /// The way to the socket; nil where the channel does not show one.
    private var socket: SocketWriter?
    /// What the next flush sends, unless it is in the channel already.
    private var outgoing: ByteBuffer?
    private var needsFlush = false
    var pace = ClientPace()
    /// What of the request's body has come.
    var receivedBytes: Int { body.readableBytes }
    /// The open connections of the client's address, and as which of them this one was counted.
    private var address: AddressCell?
    private var addressOrdinal = 0
    /// The connection and its exchange hold each other until the connection is closed.
    private var ownExchange: Exchange?
    var exchange: Exchange {
        if let ownExchange { return ownExchange }
        let made = Exchange(connection: self)
        if phase != .closed { ownExchange = made }
        return made
    }
    /// Place in the loop's list of connections.
    var listIndex = -1
    private var inputLimit: Int { loop.snapshot.policies.ceiling.header + 65_536 }

    /// Of a connection without a client.
    let run: BackgroundRun?

    init(loop: LoopContext) {
        self.loop = loop
        run = nil
        headLimit = loop.snapshot.policies.ceiling.header
        parser = HTTPRequestHeadParser(limits: HTTPLimits(headBytes: headLimit))
    }

    /// - Parameter other: Whose request is answered in the background.
    init(running run: BackgroundRun, as other: ClientConnection) {
        loop = other.loop
        self.run = run
        headLimit = 0
        parser = HTTPRequestHeadParser(limits: HTTPLimits())
        (head, headBytes, phase) = (other.head, other.headBytes, .answering)
    }

    func leaveRun() {
        phase = .closed
        loop.remove(self)
        ownExchange = nil
    }

    // MARK: - Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        socket = SocketWriter(context.channel)
        loop.noteTime()
        loop.add(self)
        countAddress(context)
        deadline = loop.now + loop.timeouts.clientRead.milliseconds
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func leave() {
        guard phase != .closed else { return }
        loop.noteTime()
        let wasAnswering = phase == .answering
        phase = .closed
        loop.remove(self)
        if let address { loop.addresses.leave(address) }
        context = nil
        socket = nil
        outgoing = nil
        if wasAnswering { exchange.clientLeft() }
        ownExchange = nil
        incoming.clear()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if phase == .lingering { return }
        loop.noteTime()
        if incoming.readableBytes == 0 {
            incoming = bytes
        } else {
            incoming.discardReadBytes()
            incoming.writeBuffer(&bytes)
        }
        process()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { inputClosed() }
        context.fireUserInboundEventTriggered(event)
    }

    private func inputClosed() {
        isInputClosed = true
        switch phase {
        case .answering: exchange.clientClosedInput()
        case .lingering where queuedBytes == 0: context?.close(promise: nil)
        case .lingering, .closed: break
        case .head, .body, .chunkedBody, .discarding: process()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        loop.noteTime()
        let isWritable = context.channel.isWritable
        if phase == .answering {
            deadline = isWritable ? .max : loop.now + loop.timeouts.clientWrite.milliseconds
            exchange.clientWritabilityChanged(isWritable)
        } else if isWritable, phase == .head, incoming.readableBytes > 0 {
            deadline = loop.now + loop.timeouts.clientRead.milliseconds
            process()
        }
        context.fireChannelWritabilityChanged()
    }

    /// Called by the loop every quarter of a second.
    func tick(now: Int64) {
        if phase == .answering { exchange.tick(now: now) }
        guard !noteProgress(now: now), now >= deadline else { return }
        switch phase {
        case .body, .chunkedBody:
            refuse(GatewayError(.requestTimeout, "the request body did not arrive in time", status: 408))
        case .head where incoming.readableBytes > 0 && isWritable:
            refuse(GatewayError(.requestTimeout, "the request head did not arrive in time", status: 408))
        default:
            context?.close(promise: nil)
        }
    }

    /// Nothing of a request has arrived.
    var isIdle: Bool { phase == .head && incoming.readableBytes == 0 }

    /// Closes an idle connection at a time at the latest.
    func closeIdle(at time: Int64) { deadline = min(deadline, time) }

    /// An idle connection does not keep an old configuration alive.
    func snapshotChanged() {
        if phase == .head { exchange.adoptSnapshot() }
    }

    /// Counts the connection under its client's address. Connections beyond the limit are let in for the one answer
    /// that says so; beyond twice the limit they are not.
    private func countAddress(_ context: ChannelHandlerContext) {
        guard let remote = context.remoteAddress.flatMap(NetworkAddress.init)?.client else { return }
        let (cell, ordinal) = loop.addresses.enter(remote)
        (address, addressOrdinal) = (cell, ordinal)
        if ordinal > 2 * loop.snapshot.policies.ceiling.connectionsPerAddress + 16 { context.close(promise: nil) }
    }

    /// Whether this connection is one too many of its address. Those that were there before it go on.
    func exceeds(_ limit: Int) -> Bool {
        guard addressOrdinal > limit, let address else { return false }
        return address.count.load(ordering: .relaxed) > limit
    }

    // MARK: - Reading requests

    /// Consumes input as far as the phase allows. Not reentrant: an answer given inside continues the outer loop.
    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while step() {}
        // What has been consumed is let go of, so that the channel can read into the same memory again.
        if incoming.readableBytes == 0 { incoming = ByteBuffer() }
        limitInput()
        if isInputClosed { endWithInput() }
    }

    /// No more input will come: what is not a whole request now never will be.
    private func endWithInput() {
        switch phase {
        // A request may be waiting until the client has taken the answer to the one before.
        case .head where incoming.readableBytes > 0 && !isWritable: break
        case .body, .chunkedBody: context?.close(promise: nil)
        case .head, .discarding:
            if let context { linger(context) }
        case .answering, .lingering, .closed: break
        }
    }

    /// One step; false when more input or an answer is needed.
    private func step() -> Bool {
        switch phase {
        case .head:
            // Whoever does not take answers gets no more of them.
            return incoming.readableBytes > 0 && isWritable && readHead()
        case .body(let remaining): return readBody(remaining)
        case .chunkedBody: return readChunks()
        case .discarding(let remaining): return discard(remaining)
        case .answering, .lingering, .closed: return false
        }
    }

    private func readHead() -> Bool {
        if repeatedHead.isKept, readRepeatedHead() { return true }
        do {
            let length = try incoming.withUnsafeReadableBytes { bytes throws(HTTPParseError) in
                try parser.parse(bytes, into: &head)
            }
            guard let length else {
                deadline = min(deadline, loop.now + loop.timeouts.clientRead.milliseconds)
                return false
            }
            parser.reset()
            headBytes = incoming.readSlice(length: length) ?? ByteBuffer()
            headSerial += 1
            // Many connections carry one request only.
            if isReused { headBytes.withUnsafeReadableBytes { repeatedHead.keep(head, $0) } }
            headReceived()
            return true
        } catch {
            refuse(
                GatewayError(
                    error.statusCode == 413 ? .tooLarge : .invalidRequest, error.sentence, status: error.statusCode))
            return false
        }
    }

    /// Takes a head that says what the one before said; false if it has to be parsed.
    private func readRepeatedHead() -> Bool {
        let found = incoming.withUnsafeReadableBytes { repeatedHead.match($0, limit: headLimit, into: &head) }
        guard let length = found, let bytes = incoming.readSlice(length: length) else { return false }
        parser.reset()
        headBytes = bytes
        headReceived()
        return true
    }

    private func headReceived() {
        keepAlive = head.keepAlive && !loop.isDraining
        deadline = loop.now + loop.timeouts.clientRead.milliseconds
        let limit = loop.snapshot.policies.ceiling.body
        let connections = loop.snapshot.policies.ceiling.connectionsPerAddress
        if exceeds(connections) {
            let path = headBytes.withUnsafeReadableBytes { EndpointMatch(path: head.path.bytes(in: $0)) }
            return refuse(.tooManyConnections(connections), dialect: path.dialect)
        }
        if case .length(let length) = head.framing, length > limit {
            let path = headBytes.withUnsafeReadableBytes { EndpointMatch(path: head.path.bytes(in: $0)) }
            return refuse(
                GatewayError(.tooLarge, "the request body has \(length) bytes; the limit is \(limit)", status: 413),
                dialect: path.dialect)
        }
        phase = .answering
        guard exchange.begin() else { return }
        switch head.framing {
        case .none, .untilClose:
            dispatch()
        case .length(let length):
            phase = .body(remaining: length)
            prepareBody(length)
        case .chunked:
            phase = .chunkedBody
            chunks = HTTPChunkedDecoder()
            prepareBody(0)
        }
    }

    private func prepareBody(_ length: Int) {
        body.clear()
        pace.received = 0
        pace.watch.rest()
        if head.expectsContinue, incoming.readableBytes == 0, let context {
            var interim = context.channel.allocator.buffer(capacity: 32)
            interim.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            socket?.noteChannelWrite()
            context.writeAndFlush(wrapOutboundOut(interim), promise: nil)
        }
        if length > incoming.readableBytes { body.reserveCapacity(length) }
    }

    private func readBody(_ remaining: Int) -> Bool {
        if body.readableBytes == 0, incoming.readableBytes >= remaining {
            body = incoming.readSlice(length: remaining) ?? ByteBuffer()
            dispatch()
            return true
        }
        guard incoming.readableBytes > 0 else { return false }
        let part = min(remaining, incoming.readableBytes)
        if var slice = incoming.readSlice(length: part) { body.writeBuffer(&slice) }
        extendBodyDeadline()
        if part == remaining {
            dispatch()
            return true
        }
        phase = .body(remaining: remaining - part)
        return false
    }

    private func readChunks() -> Bool {
        while incoming.readableBytes > 0 {
            let step: HTTPChunkStep
            do {
                step = try incoming.withUnsafeReadableBytes { bytes throws(HTTPParseError) in
                    try chunks.decode(bytes)
                }
            } catch {
                exchange.abandon()
                refuse(.invalid(error.sentence))
                return false
            }
            switch step {
            case .needMore(let consumed):
                incoming.moveReaderIndex(forwardBy: consumed)
                return false
            case .data(let range, let consumed):
                if let slice = incoming.getSlice(
                    at: incoming.readerIndex + range.lowerBound, length: range.count)
                {
                    body.writeImmutableBuffer(slice)
                }
                incoming.moveReaderIndex(forwardBy: consumed)
                extendBodyDeadline()
                let limit = loop.snapshot.policies.ceiling.body
                if body.readableBytes > limit {
                    exchange.abandon()
                    refuse(
                        GatewayError(
                            .tooLarge, "the request body is larger than the limit of \(limit) bytes", status: 413))
                    return false
                }
            case .end(let consumed):
                incoming.moveReaderIndex(forwardBy: consumed)
                dispatch()
                return true
            }
        }
        return false
    }

    /// Every piece of a body buys time for the next one, within the total time-out of the request.
    private func extendBodyDeadline() {
        let end = exchange.startedAt + loop.snapshot.policies.global.timeouts.total.milliseconds
        deadline = min(loop.now + loop.timeouts.clientRead.milliseconds, end)
    }

    private func dispatch() {
        phase = .answering
        deadline = .max
        pace.watch.rest()
        exchange.bodyReceived(body)
        body = ByteBuffer()
    }

    private func discard(_ remaining: Int) -> Bool {
        let part = min(remaining, incoming.readableBytes)
        incoming.moveReaderIndex(forwardBy: part)
        if part == remaining {
            nextRequest()
            return true
        }
        phase = .discarding(remaining: remaining - part)
        return false
    }

    /// A client that sends more than one request ahead is not read until the first is answered and the answer taken.
    private func limitInput() {
        guard let context, isReadingPaused || incoming.readableBytes > inputLimit else { return }
        let isBlocked = phase == .answering || (phase == .head && !isWritable)
        let pause = isBlocked && incoming.readableBytes > inputLimit
        if pause != isReadingPaused {
            isReadingPaused = pause
            context.channel.setOption(.autoRead, value: !pause).whenFailure { _ in }
        }
    }

    private func nextRequest() {
        phase = .head
        isReused = true
        deadline =
            loop.now + (incoming.readableBytes > 0 ? loop.timeouts.clientRead : loop.timeouts.keepAlive).milliseconds
    }
}

// MARK: - Answering

extension ClientConnection {
    var isWritable: Bool {
        if let socket, socket.isIdle { return true }
        return context?.channel.isWritable ?? (run != nil)
    }
    /// HTTP/1.0 clients know no chunked coding; their streams end with the connection.
    var acceptsChunked: Bool { head.minorVersion >= 1 }
    var willKeepAlive: Bool { keepAlive }

    /// An empty buffer with room.
    func buffer(capacity: Int) -> ByteBuffer {
        if let spare = loop.takeSpareBuffer(capacity: capacity) { return spare }
        return context?.channel.allocator.buffer(capacity: capacity) ?? ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// Queues bytes; they leave with the next ``flush()`` or at the end of the answer.
    func write(_ bytes: consuming ByteBuffer) {
        guard needsFlush || socket == nil else {
            needsFlush = true
            outgoing = bytes
            return
        }
        if let run { return run.write(bytes) }
        needsFlush = true
        passOutgoing()
        pace.handedOver += bytes.readableBytes
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    /// Brings what waits for a flush into the channel.
    private func passOutgoing() {
        guard let bytes = outgoing else { return }
        outgoing = nil
        socket?.noteChannelWrite()
        pace.handedOver += bytes.readableBytes
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    func flush() {
        guard needsFlush else { return }
        needsFlush = false
        if var bytes = outgoing {
            outgoing = nil
            if socket?.write(&bytes) == true { return loop.reuse(&bytes) }
            pace.handedOver += bytes.readableBytes
            context?.write(wrapOutboundOut(bytes), promise: nil)
        }
        context?.flush()
    }

    /// An answer that streams to an HTTP/1.0 client, or one that broke off, cannot be followed by another.
    func closeAfterAnswer() {
        keepAlive = false
    }

    /// The exchange has written its last byte.
    func answered() {
        guard phase != .closed, let context else { return runEnded() }
        exchange.release()
        flush()
        // The flush may have found out that the client is gone.
        guard phase != .closed else { return }
        guard keepAlive else { return linger(context) }
        headBytes = ByteBuffer()
        nextRequest()
        if !isProcessing { process() }
    }

    /// Answers an error that concerns the request as a message (no endpoint was reached, or its body never came).
    func refuse(_ error: GatewayError, dialect: Dialect? = nil) {
        let requestID = loop.makeRequestID().text
        let dialect = dialect ?? exchange.dialect
        keepAlive = false
        phase = .answering
        writeError(error, dialect: dialect, requestID: requestID, isHead: false)
        flush()
        loop.refused(error)
        if let context { linger(context) }
    }

    /// The request was refused after its head: skips a short body, or closes when it is long or unknown.
    func refusedBeforeBody() {
        switch head.framing {
        case .none: answered()
        case .length(let length) where keepAlive && canSkipBody:
            flush()
            phase = .discarding(remaining: length)
        default:
            flush()
            if let context { linger(context) }
        }
    }

    /// Whether the answer to a refused request may leave the connection open.
    var canSkipBody: Bool {
        switch head.framing {
        case .none: true
        case .length(let length): length <= 262_144 && !head.expectsContinue
        case .chunked, .untilClose: false
        }
    }

    /// Sends the end of the connection and waits for the client's own, at most two seconds.
    private func linger(_ context: ChannelHandlerContext) {
        guard phase != .lingering, phase != .closed else { return }
        phase = .lingering
        incoming = ByteBuffer()
        let isSending = queuedBytes > 0
        deadline = loop.now + (isSending ? loop.timeouts.clientWrite.milliseconds : ClientConnection.lingerTime)
        if isInputClosed { return closeWhenTaken(context) }
        if isReadingPaused { context.channel.setOption(.autoRead, value: true).whenFailure { _ in } }
        context.close(mode: .output, promise: nil)
    }

    /// With both sides closed nothing is left to wait for but the last bytes, which a close would throw away.
    private func closeWhenTaken(_ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    /// So long the client's own close is awaited.
    static let lingerTime = 2_000.milliseconds
}

extension Int {
    /// So many milliseconds in nanoseconds.
    var milliseconds: Int64 { Int64(self) * 1_000_000 }
}
