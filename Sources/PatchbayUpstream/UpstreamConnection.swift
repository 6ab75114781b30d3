import NIOCore
import NIOTLS
import PatchbayWire

/// One connection to an upstream: writes requests, feeds what it reads to the response reader, and delivers slices.
///
/// Reads are asked for one burst at a time, so that a paused exchange stops the socket and with it the upstream.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Set while the TLS handshake is under way.
    var dial: UpstreamDial?
    /// Since when nobody uses it, on the clock of the ticks; 0 = since after the previous tick.
    var idleSince: Int64 = 0
    /// On the clock of the ticks; 0 = before the first tick.
    var openedAt: Int64 = 0
    private let destination: UpstreamDestination
    private var context: ChannelHandlerContext?
    /// nil over TLS and where the channel has no socket.
    private var socket: SocketWriter?
    private var exchange: UpstreamExchange?
    private var reader: UpstreamResponseReader
    private var head = HTTPResponseHead()
    /// The beginning of a head that is incomplete.
    private var partialHead: ByteBuffer?
    private var transportError: (any Error)?
    private var isOpen = true
    private var isClosing = false
    /// It has served an exchange before the current one.
    private var isReused = false
    private var isReadPending = false
    /// Something of the current exchange was delivered in this burst of reads.
    private var hasDelivered = false

    init(destination: UpstreamDestination) {
        self.destination = destination
        reader = UpstreamResponseReader(limits: destination.pool.limits.http)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        socket = nil
    }

    /// What it writes reaches the socket as it is: no handler stands in between.
    func writesPlainly() {
        socket = context.flatMap { SocketWriter($0.channel) }
    }
}

// MARK: - Requests

extension UpstreamConnection {
    /// Sends the request of an exchange. The connection must be open and unused.
    func start(_ exchange: UpstreamExchange) {
        guard isUsable, let context else {
            giveUp(exchange)
            return
        }
        self.exchange = exchange
        reader.begin(requestIsHead: exchange.request.isHead)
        hasDelivered = false
        partialHead = nil
        exchange.didSend(on: self)
        if exchange.request.body == nil {
            var head = exchange.request.head
            if socket?.write(&head) != true { context.writeAndFlush(wrapOutboundOut(head), promise: nil) }
        } else {
            writePieces(of: exchange.request, context)
        }
        readIfWanted()
    }

    private func writePieces(of request: UpstreamRequest, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(request.head), promise: nil)
        if let body = request.body { context.write(wrapOutboundOut(body), promise: nil) }
        for piece in request.rest { context.write(wrapOutboundOut(piece), promise: nil) }
        socket?.noteChannelWrite()
        context.flush()
    }

    /// The exchange has ended before its response: what still arrives is not wanted.
    func abandon() {
        exchange = nil
        close()
    }

    func close() {
        guard isUsable else { return }
        isClosing = true
        context?.close(promise: nil)
    }

    /// Open, and nobody has asked to close it. A TLS connection takes a moment to close.
    var isUsable: Bool { isOpen && !isClosing }

    /// Bytes of the request that the socket has not taken.
    var queuedBytes: Int {
        guard isUsable, let options = context?.channel.syncOptions else { return 0 }
        return (try? options.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Whether so many nanoseconds have passed since the first call after ``idleSince`` was reset.
    func hasAged(_ age: Int64, now: Int64) -> Bool {
        if idleSince == 0 { idleSince = now }
        return now - idleSince >= age
    }

    /// Asks for the next burst of reads unless the exchange is paused.
    func readIfWanted() {
        guard isUsable, !isReadPending, exchange?.isPaused != true, let context else { return }
        isReadPending = true
        context.read()
    }
}

// MARK: - Responses

extension UpstreamConnection {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // A response cannot arrive while its request is being written: these bytes are older than the request, the last
        // words of an upstream that had closed the idle connection. Nor may anything arrive without a request.
        guard let exchange, !exchange.isLaunching else {
            close()
            return
        }
        var buffer = unwrapInboundIn(data)
        if var held = partialHead {
            partialHead = nil
            held.writeBuffer(&buffer)
            buffer = held
        }
        do {
            try process(buffer)
        } catch {
            let name = destination.origin.description
            self.exchange?.fail(.protocol, "\(name) sent a malformed response: \(error.sentence)")
            close()
        }
    }

    private func process(_ buffer: ByteBuffer) throws(HTTPParseError) {
        var offset = buffer.readerIndex
        while let exchange {
            switch try step(buffer, from: offset, exchange) {
            case .needMore: return
            case .headIncomplete:
                partialHead = buffer.getSlice(at: offset, length: buffer.writerIndex - offset)
                return
            case .informational(let length), .head(let length):
                offset += length
            case .body(let range, let consumed):
                exchange.didReceiveBody()
                hasDelivered = true
                if let slice = buffer.getSlice(at: offset + range.lowerBound, length: range.count) {
                    exchange.withReceiver { $0.upstreamDidReceiveBody(slice) }
                }
                offset += consumed
            case .end(let consumed):
                offset += consumed
                finish(exchange, hasSurplus: offset < buffer.writerIndex)
                return
            }
        }
    }

    /// One step of the reader; a final head is delivered here, where its bytes can be pointed to.
    @inline(__always)
    private func step(
        _ buffer: ByteBuffer, from offset: Int, _ exchange: UpstreamExchange
    ) throws(HTTPParseError) -> UpstreamResponseReader.Step {
        let skipped = offset - buffer.readerIndex
        var failure: HTTPParseError?
        let step = buffer.withUnsafeReadableBytes { readable -> UpstreamResponseReader.Step in
            let bytes = UnsafeRawBufferPointer(rebasing: readable[skipped...])
            do throws(HTTPParseError) {
                let step = try reader.next(bytes, head: &head)
                if reader.hasBytes { exchange.didReceiveBytes() }
                if case .head = step {
                    exchange.didReceiveHead()
                    hasDelivered = true
                    exchange.withReceiver { $0.upstreamDidReceiveHead(head, bytes: bytes) }
                }
                return step
            } catch {
                failure = error
                return .needMore
            }
        }
        if let failure { throw failure }
        return step
    }

    private func finish(_ exchange: UpstreamExchange, hasSurplus: Bool) {
        self.exchange = nil
        // A request that is not written completely although its response has ended would delay the next one.
        let isReusable = reader.keepAlive && !hasSurplus && isUsable && isWritten
        if isReusable {
            isReused = true
            destination.release(self)
        } else {
            close()
        }
        exchange.complete()
    }

    /// Nothing to speak of waits to be written.
    private var isWritten: Bool {
        if let socket, socket.isIdle { return true }
        return context?.channel.isWritable == true
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReadPending = false
        if hasDelivered, let exchange {
            hasDelivered = false
            exchange.withReceiver { $0.upstreamDidCompleteRead() }
        }
        readIfWanted()
    }
}

// MARK: - The end of the connection

extension UpstreamConnection {
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent, let dial {
            self.dial = nil
            dial.didOpen(self)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if transportError == nil { transportError = error }
        isClosing = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard isOpen else { return }
        isOpen = false
        if let dial {
            self.dial = nil
            dial.didFailHandshake(transportError)
            return
        }
        destination.didClose(self)
        guard let exchange else { return }
        self.exchange = nil
        // Over TLS, an end without a close notification is an error: somebody may have cut the response short.
        if reader.inputClosed() == .complete, transportError == nil {
            exchange.complete()
        } else {
            giveUp(exchange)
        }
    }

    /// The connection is gone and the response is not complete.
    private func giveUp(_ exchange: UpstreamExchange) {
        if isReused, exchange.takeRetry() {
            destination.resend(exchange)
            return
        }
        let name = destination.origin.description
        let moment = reader.hasHead ? "in the middle of a response" : "before it answered"
        exchange.fail(.reset, "\(name) closed the connection \(moment).")
    }
}
