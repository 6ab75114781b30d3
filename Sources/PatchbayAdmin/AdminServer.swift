import Hummingbird
package import Logging
package import PatchbayCore

/// The listener of the admin API: Hummingbird around an ``AdminService``.
package struct AdminServer: Sendable {
    private let service: AdminService
    private let listen: ListenAddress
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - onListening: Told the port once connections are taken.
    package init(
        service: AdminService, listen: ListenAddress, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.service = service
        self.listen = listen
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until the task is cancelled or its service group shuts down.
    package func run() async throws {
        let responder = AdminResponder(service: service)
        let application = Application(
            responder: responder,
            // A client that says nothing for so long is dropped, in the middle of a request too.
            server: .http1(configuration: .init(idleTimeout: .seconds(75))),
            configuration: ApplicationConfiguration(address: .hostname(listen.host, port: listen.port)),
            onServerRunning: { [onListening] channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger)
        try await application.run()
    }
}

/// Turns requests of Hummingbird into those of the service and back.
private struct AdminResponder: HTTPResponder {
    /// The context of a request with the address it comes from.
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let peer: String

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            peer = source.channel.remoteAddress?.ipAddress ?? ""
        }
    }

    let service: AdminService

    func respond(to request: Request, context: Context) async throws -> Response {
        let answer = await answer(request, peer: context.peer)
        let response = Self.response(answer)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request, peer: String) async -> AdminAnswer {
        let body: [UInt8]
        do {
            let buffer = try await request.body.collect(upTo: AdminService.longestBody)
            body = Array(buffer.readableBytesView)
        } catch {
            return AdminAnswer(AdminService.bodyTooLarge)
        }
        return await service.respond(
            AdminRequest(
                method: request.method.rawValue, path: request.uri.path, query: request.uri.query ?? "",
                authorization: request.headers[.authorization], body: body, peer: peer))
    }

    private static func response(_ answer: AdminAnswer) -> Response {
        var response = Response(status: .init(code: answer.status))
        if !answer.contentType.isEmpty { response.headers[.contentType] = answer.contentType }
        // Answers hold configuration and usage: no cache may keep them.
        response.headers[.cacheControl] = "no-store"
        let id = String(UInt64.random(in: .min ... .max), radix: 16)
        for (name, value) in [("x-request-id", "adm-\(id)")] + answer.headers {
            if let name = HTTPFields.Element.Name(name) { response.headers[name] = value }
        }
        if answer.status != 204 { response.body = .init(byteBuffer: ByteBuffer(bytes: answer.body)) }
        return response
    }
}
