import Hummingbird
package import Logging

extension SimulatedSite {
    /// Starts serving on `host`; port 0 lets the system choose. The site runs until ``RunningSimulatedSite/stop()``.
    ///
    /// Throws what binding the address throws.
    package func start(host: String = "127.0.0.1", port: Int = 0, logger: Logger? = nil) async throws
        -> RunningSimulatedSite
    {
        let station = SiteStation(site: self)
        let pace = pace
        var logger = logger ?? Logger(label: "patchbay.simulator")
        // The server reports every connection that ends with the site as an error; what matters is thrown.
        logger.logLevel = .critical
        let (ports, continuation) = AsyncThrowingStream.makeStream(of: Int.self)
        let responder = CallbackResponder { (request: Request, _: BasicRequestContext) -> Response in
            let body = try await request.body.collect(upTo: 64 << 20)
            let answer = await station.answer(SiteRequest(request, body: Array(body.readableBytesView)))
            if answer.delayMilliseconds > 0 { try await Task.sleep(for: .milliseconds(answer.delayMilliseconds)) }
            return Response(answer, station: station, pace: pace)
        }
        let application = Application(
            responder: responder, configuration: .init(address: .hostname(host, port: port)),
            onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? port) }, logger: logger)
        let task = Task {
            do {
                try await application.run()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
        }
        for try await bound in ports {
            return RunningSimulatedSite(host: host, port: bound, station: station, task: task)
        }
        throw CancellationError()
    }
}

/// A simulated site that serves requests.
package struct RunningSimulatedSite: Sendable {
    package let host: String
    package let port: Int
    let station: SiteStation
    let task: Task<Void, any Error>

    package var baseURL: String { "http://\(host):\(port)" }

    /// Closes the listener and waits until the server has ended. May be called more than once.
    package func stop() async {
        task.cancel()
        _ = await task.result
    }

    /// The account as it is now; nil if the site has none of that name.
    package func user(_ username: String) async -> SimulatedUser? {
        await station.state.users.first { $0.username == username }
    }

    /// Changes what the site knows of an account, as its administrator could. Does nothing for an unknown name.
    package func updateUser(_ username: String, _ body: @Sendable (inout SimulatedUser) -> Void) async {
        await station.updateUser(username, body)
    }
}

/// Answers one request after the other.
actor SiteStation {
    private(set) var state: SiteState

    init(site: SimulatedSite) {
        state = SiteState(site: site)
    }

    func answer(_ request: SiteRequest) -> SiteAnswer {
        state.answer(request)
    }

    func settle(_ charge: RelayCharge, completionTokens: Int) {
        state.settle(charge, completionTokens: completionTokens)
    }

    func updateUser(_ username: String, _ body: (inout SimulatedUser) -> Void) {
        guard let index = state.users.firstIndex(where: { $0.username == username }) else { return }
        body(&state.users[index])
    }
}

extension SiteRequest {
    fileprivate init(_ request: Request, body: [UInt8]) {
        var headers: [String: String] = [:]
        for field in request.headers {
            let name = field.name.canonicalName
            headers[name] =
                name == "cookie" ? headers[name].map { "\($0); \(field.value)" } ?? field.value : field.value
        }
        self.init(
            method: request.method.rawValue, target: request.uri.string, headers: headers, body: body)
    }
}

extension Response {
    fileprivate init(_ answer: SiteAnswer, station: SiteStation, pace: SimulatedPace) {
        var fields = HTTPFields()
        for (name, value) in answer.headers {
            guard let name = HTTPFields.Element.Name(name) else { continue }
            fields.append(.init(name: name, value: value))
        }
        let body: ResponseBody =
            switch answer.body {
            case .bytes(let bytes): ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            case .stream(let stream): ResponseBody { try await stream.write(to: &$0, station: station, pace: pace) }
            }
        self.init(status: .init(code: answer.status), headers: fields, body: body)
    }
}

extension RelayStream {
    /// Sends the events at the model's pace. Whoever leaves early pays for what was sent.
    fileprivate func write(
        to writer: inout any ResponseBodyWriter, station: SiteStation, pace: SimulatedPace
    ) async throws {
        var sent = 0
        do {
            for step in steps {
                let tokens = step.tokens - sent
                if tokens > 0, pace.perToken > 0 { try await Task.sleep(for: .milliseconds(tokens * pace.perToken)) }
                try await writer.write(ByteBuffer(bytes: step.bytes))
                sent = step.tokens
            }
        } catch {
            await station.settle(charge, completionTokens: sent)
            throw error
        }
        // Before the end is written, so that the balance is right for whoever asks after it.
        await station.settle(charge, completionTokens: sent)
        try await writer.finish(nil)
    }
}
