import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayStore
import PatchbayUpstream
import PatchbayWire

/// One request from its head to the last byte of its answer.
///
/// A connection has one exchange and uses it for every request in turn; ``begin()`` resets it. Everything happens on
/// the event loop of the connection. The steps are in extensions: the local answers (`+Local`), the attempts
/// (`+Attempt`), what an upstream answers (`+Answer`, `+Stream`), failures (`+Failure`) and the end (`+Finish`).
final class Exchange {
    enum State {
        case idle
        /// The head is accepted, the body is on its way.
        case receiving
        /// The store has been asked for what the request refers to.
        case looking
        /// The content of a kept file is being sent.
        case sending
        /// An upstream is at work and nothing has been sent to the client.
        case waiting
        /// The head of the answer has been sent.
        case streaming
        case finished
    }

    let connection: ClientConnection
    let loop: LoopContext
    var state = State.idle

    // The request.
    var id = RequestID()
    var requestID: String { id.text }
    var endpoint: Endpoint?
    var dialect = Dialect.openAI
    var key: GatewayKey?
    /// The last credential of the connection and whose it was: clients send the same one with every request.
    var knownCredential: [UInt8] = []
    var knownKey: GatewayKey?
    var knownBinding: (endpoint: Endpoint, binding: FormatBinding)?
    /// The head that `endpoint`, `dialect`, `knownKey` and `knownHops` were last worked out from and found to be good;
    /// see ``ClientConnection/headSerial``. -1 = none.
    var knownSerial = -1
    var knownHops = 0
    /// What the last request of the connection put in front of its body.
    var knownHead: KnownUpstreamHead?
    /// The words of the last request of the connection that went well at the first attempt.
    var knownWords: KnownWords?
    /// Name or pattern of the route; what metrics may show of the model.
    var routeName = "unknown"
    /// The format of the request.
    var binding: FormatBinding?
    var body = ByteBuffer()
    var fields = RequestFields()
    var startedAt: Int64 = 0
    var startedAtUnix: Int64 = 0
    /// Only of keys that ask for it.
    var timing: RequestTiming?
    var isHead = false
    /// The configuration that was in force when the request had come; it stays with it to the end.
    var snapshot: GatewaySnapshot

    // The plan.
    var plan: [Int32] = []
    var planPosition = 0
    var attempts: [AttemptRecord] = []
    /// The first attempt went well, and its record has not been made.
    var isPlainSuccess = false
    var hasLedgerEntry = false
    /// Where its beginning is in the ledger.
    var ledgerPlace = LedgerPlace.unknown
    var lastError: GatewayError?
    /// Formats of channels that proved unsupported while this request was tried.
    var unsupported: [(channel: Int32, format: WireFormat)] = []
    /// The last channel that was asked again because it refused the way of answering; -1 = none.
    var turnedChannel: Int32 = -1
    /// Limits, places and waits.
    var governed = GovernedState()
    /// Goes up with every wait, so that what arrives after one has ended is known as late.
    var waitSerial: UInt64 = 0
    /// The canonical form of the body, made once for all attempts that need it.
    var canonical: [UInt8] = [] { didSet { answered = nil } }
    /// What answers are told of it; see ``answeredRequest()``.
    var answered: [UInt8]?
    /// Sealed reasoning has been taken out of `canonical`, so that every attempt is written from there.
    var dropsReasoning = false
    /// The body has the shape of another format than that of the path, and `canonical` is what it says.
    var isForeignShape = false
    /// What the request says about state, on the endpoint that knows such a thing.
    var responses: ResponsesTurn?
    /// The content of a kept file on its way to the client.
    var transfer: FileTransfer?
    /// The response in the background whose events the client reads.
    var followed: FollowedRun?
    /// Numbers the questions to the store, so that a late answer is known as such.
    var lookup: UInt = 0
    /// When the store was asked last.
    var lookedAt: Int64 = 0

    // The attempt in progress.
    var attempt = AttemptState()
    var upstream: UpstreamExchange?
    /// A second attempt beside it, or the first one beside the second.
    var rival: RivalAttempt?
    /// The stream has broken off and another attempt is to go on with it, or does so.
    var continuation: StreamContinuation?

    // The answer.
    /// Bytes of the upstream's answer; signs of life do not count.
    var sentToClient = 0
    var silence = ClientSilence()
    var firstTokenAt: Int64?
    var usage = TokenUsage()
    /// What conversions for the attempt in progress could not carry; the reading of the request is part of each.
    var losses: LossLedger?
    var lossesOfReading: LossLedger?
    /// The key or the route wants nothing lost that changes the meaning of a request.
    var isStrict = false
    /// The client wants the stream as one JSON array instead of events.
    var arrayFraming: ArrayFraming?

    init(connection: ClientConnection) {
        self.connection = connection
        loop = connection.loop
        snapshot = loop.snapshot
    }

    // MARK: - Head

    /// Looks at the head before the body is read. False when the request has been answered already.
    func begin() -> Bool {
        reset()
        if recallsHead() { return true }
        let match = connection.headBytes.withUnsafeReadableBytes { bytes in
            EndpointMatch(path: UnsafeRawBufferPointer(rebasing: bytes[connection.head.path.range]))
        }
        dialect = match.dialect
        switch match.endpoint {
        case .models, .model: dialect = listDialect(match.dialect)
        case .file: dialect = fileDialect
        default: break
        }
        endpoint = match.endpoint ?? pluginEndpoint
        isHead = connection.head.method == .head
        do throws(GatewayError) {
            let endpoint = try checkEndpoint()
            if endpoint.needsKey { key = try authenticate() }
            if endpoint.format != nil { try checkBeforeBody() }
            if endpoint.format != nil, case .none = connection.head.framing {
                throw GatewayError.invalid("the request has no body; send \(endpoint.bodyDescription)")
            }
            state = .receiving
            rememberHead()
            return true
        } catch {
            answerLocally(error, beforeBody: true)
            return false
        }
    }

    func reset() {
        revokeAdmission()
        leavePlaces()
        governed = GovernedState()
        adoptSnapshot()
        startedAt = loop.now
        startedAtUnix = SystemTime.unixMilliseconds()
        id = loop.makeRequestID(time: startedAtUnix)
        key = nil
        timing = nil
        routeName = "unknown"
        plan.removeAll(keepingCapacity: true)
        planPosition = 0
        if !attempts.isEmpty { attempts.removeAll(keepingCapacity: true) }
        isPlainSuccess = false
        hasLedgerEntry = false
        lastError = nil
        if !unsupported.isEmpty { unsupported = [] }
        turnedChannel = -1
        if !canonical.isEmpty { canonical = [] }
        dropsReasoning = false
        isForeignShape = false
        responses = nil
        if continuation != nil { continuation = nil }
        sentToClient = 0
        firstTokenAt = nil
        silence = ClientSilence(since: startedAt)
        usage = TokenUsage()
        losses = nil
        lossesOfReading = nil
        arrayFraming = nil
    }

    private func checkEndpoint() throws(GatewayError) -> Endpoint {
        guard let endpoint else {
            throw GatewayError(.notFound, "this path does not exist on the gateway", status: 404)
        }
        let method = connection.head.method
        guard endpoint.takes(method) else {
            throw GatewayError.method(allowed: endpoint.allowedMethods)
        }
        return endpoint
    }

    // MARK: - Body

    func bodyReceived(_ body: ByteBuffer) {
        guard state == .receiving else { return connection.answered() }
        self.body = body
        do throws(GatewayError) {
            try adoptSnapshotWithBody()
            if let key, key.key.serverTiming { timing = RequestTiming(begun: startedAt) }
            if let files = loop.files, files.hasFiles, endpoint?.mayNameFiles == true, try waitsForFiles(files) {
                return
            }
            try dispatch()
        } catch {
            answerLocally(error, beforeBody: false)
        }
    }

    /// Begins what the endpoint is for, with the body at hand.
    func dispatch() throws(GatewayError) {
        switch endpoint {
        case .chatCompletions, .messages, .gemini, .completions, .task, .plugin: try route()
        case .countTokens: try countTokens()
        case .responses, .compaction, .inputTokens: try beginResponse()
        case .storedResponse?, .responseInput?, .responseCancellation?:
            if let endpoint { try answerStoredResponse(endpoint) }
        case .file(let request): try answerFile(request)
        case .conversation(let request): try answerConversation(request)
        case .models: answerModels()
        case .model: try answerModel()
        case .health, .readiness, nil: answerHealth()
        }
    }

    /// The route of the model that the body names, checked against what the key may use.
    func findRoute() throws(GatewayError) -> RouteIndex {
        guard let key, let binding = ownBinding() else {
            throw GatewayError(.notFound, "this path does not exist on the gateway", status: 404)
        }
        self.binding = binding
        fields = try scannedFields()
        let table = snapshot.table
        guard let route = withModelBytes({ table.route(forModelUTF8: $0) }) else {
            fields.readModel(of: body)
            throw GatewayError(
                .modelNotFound, "the model \"\(fields.model)\" does not exist on this gateway", status: 404,
                parameter: "model")
        }
        // Member by member: a copy of the entry would cost several reference counts.
        let index = Int(route.rawValue)
        routeName = table.routes[index].model
        isStrict = key.key.strictConversion || table.routes[index].strictConversion
        if table.routes[index].isPattern { fields.readModel(of: body) } else { fields.model = routeName }
        guard withModelBytes({ key.permissions.permits(route, modelUTF8: $0) }) else {
            throw GatewayError(
                .modelNotAllowed, "the key \"\(key.key.name)\" may not use the model \"\(fields.model)\"",
                status: dialect == .anthropic ? 404 : 403, parameter: "model")
        }
        return route
    }

    func route() throws(GatewayError) {
        let route = try findRoute()
        guard let key else { return }
        if fields.hasInput, case .chatCompletions? = endpoint { try readForeignShape() }
        adopt(route)
        try admit(key)
        let step = try makePlan()
        if step == .unserved { return try answerUnserved() }
        state = .waiting
        beginLedgerEntry(key: key)
        if step == .planned { nextAttempt() }
    }

    /// Calls `use` with the name of the model as the client wrote it.
    @inline(__always)
    func withModelBytes<Result, Failure: Error>(
        _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let place = fields.plainModel else { return try fields.withModelBytes(of: body, use) }
        return try body.withUnsafeReadableBytes { bytes throws(Failure) in
            try use(UnsafeRawBufferPointer(rebasing: bytes[place]))
        }
    }

    /// What the format of the endpoint means, as long as the configuration and the endpoint stay the same.
    private func ownBinding() -> FormatBinding? {
        if knownSerial == connection.headSerial, let known = knownBinding { return known.binding }
        guard let endpoint, let format = endpoint.format else { return nil }
        if let known = knownBinding, known.endpoint == endpoint { return known.binding }
        guard let found = snapshot.binding(format) else { return nil }
        knownBinding = (endpoint, found)
        return found
    }

    // MARK: - Connection events

    /// Ends the upstream exchange, which calls back no more, or the wait for one.
    func dropUpstream() {
        abandonWait()
        upstream?.cancel()
        upstream = nil
    }

    /// The request was given up while its body was still coming.
    func abandon() {
        state = .finished
    }

    func clientLeft() {
        if state == .looking || state == .sending {
            state = .finished
            return release()
        }
        guard state == .waiting || state == .streaming else { return }
        dropUpstream()
        usage.merge(attempt.tap.usage)
        finishAttempt(fault: .client, reason: "the client closed the connection")
        let status = continuation != nil ? 200 : state == .streaming ? attempt.status : 499
        settle(outcome: .cancelled, status: status, errorCode: "client_closed")
        closeStream()
        state = .finished
        release()
    }

    /// Lets go of everything that only the request needed: a connection may be idle for long.
    func release() {
        body = ByteBuffer()
        if !canonical.isEmpty { canonical = [] }
        responses = nil
        if continuation != nil { continuation = nil }
        transfer = nil
        followed = nil
        attempt = AttemptState()
    }

    func clientWritabilityChanged(_ isWritable: Bool) {
        if state == .sending, isWritable { if followed == nil { sendContent() } else { askForEvents() } }
        guard state == .streaming else { return }
        if isWritable { upstream?.resumeReading() } else { upstream?.pauseReading() }
    }

    /// Nanoseconds that a request waits for what the gateway keeps.
    private static let storePatience: Int64 = 10_000_000_000

    func tick(now: Int64) {
        if state == .looking, now - lookedAt > Exchange.storePatience {
            let sentence = "what this gateway keeps cannot be read at the moment"
            return answerLocally(GatewayError(.storeUnavailable, sentence, status: 503), beforeBody: false)
        }
        if followed != nil { showFollowerLife(now: now) }
        guard state == .waiting || state == .streaming else { return }
        guard attempt.endedAt == nil else { return stopWaitingForTransport(now: now) }
        guard !endSettled(now: now), !enforceTimeouts(now: now) else { return }
        // While the gateway waits by itself, for a place or before it tries again, an error can still have a status.
        if fields.stream, governed.waiting == nil { breakSilence(now: now) }
        hedgeIfDue(now: now)
    }
}
