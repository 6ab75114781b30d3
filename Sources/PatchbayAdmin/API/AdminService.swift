package import Logging
import PatchbayCore
import PatchbayWire

/// Answers requests to the admin API. Knows nothing of sockets.
package struct AdminService: Sendable {
    /// Longest body, in bytes.
    package static let longestBody = 1_048_576

    let matcher: RouteMatcher
    private let gate: AdminGate
    private let metricsAreOpen: Bool
    private let logger: Logger

    /// - Parameters:
    ///   - metricsAreOpen: `/metrics` needs no token; for a listener that only this machine reaches.
    ///   - version: Of the product.
    package init(
        backend: any AdminBackend, token: BearerToken, metricsAreOpen: Bool, version: String, logger: Logger
    ) {
        let changes = ChangeQueue()
        var routes = ResourceRoutes<SiteResource>(backend: backend, changes: changes).all
        routes += ResourceRoutes<AccountResource>(backend: backend, changes: changes).all
        routes += ResourceRoutes<TokenResource>(backend: backend, changes: changes).all
        routes += KeyRoutes(plain: ResourceRoutes(backend: backend, changes: changes)).all
        routes += ResourceRoutes<RouteResource>(backend: backend, changes: changes).all
        routes.append(ExplainRoute(backend: backend).route)
        routes += RequestRoutes(backend: backend).all
        routes += SystemRoutes(backend: backend).all
        routes.append(Self.documentRoute(describing: routes, version: version))
        matcher = RouteMatcher(routes)
        gate = AdminGate(token)
        self.metricsAreOpen = metricsAreOpen
        self.logger = logger
    }

    /// Another token from now on.
    package func setToken(_ token: BearerToken) { gate.setToken(token) }

    private static func documentRoute(describing routes: [AdminRoute], version: String) -> AdminRoute {
        var route = AdminRoute(
            method: .get, path: "/api/v1/openapi.json", operation: "get_openapi", summary: "This document.",
            tag: "system",
            success: .init(schema: .document, note: "The OpenAPI document.")
        ) { _ in .empty }
        let answer = AdminAnswer(OpenAPIDocument.make(routes + [route], version: version))
        route.handle = { _ in answer }
        return route
    }

    /// Whether a request of this kind may have a body: the shell reads none for the others.
    package func respond(_ request: AdminRequest) async -> AdminAnswer {
        // The answer to HEAD is that to GET; the shell leaves the body out.
        let method = request.method == "HEAD" ? "GET" : request.method
        do {
            let (route, parameters) = try admit(method, request)
            let call = try Self.call(route, parameters, request)
            return try await route.handle(call)
        } catch let error as AdminError {
            if error.code.status >= 500 {
                logger.error("Admin request failed.", metadata: ["path": "\(request.path)", "why": "\(error.message)"])
            }
            var answer = AdminAnswer(error)
            if case .otherMethods(let methods) = matcher.match(method, path: request.path),
                error.code == .methodNotAllowed
            {
                answer.headers.append((name: "allow", value: methods.map(\.rawValue).joined(separator: ", ")))
            }
            return answer
        } catch {
            logger.error("Admin request failed.", metadata: ["path": "\(request.path)", "why": "\(error)"])
            return AdminAnswer(
                AdminError(.internalError, "Something went wrong inside the gateway; its log says what."))
        }
    }

    /// The route of a request, if it may be used. Without the token nothing is told about which paths exist.
    private func admit(
        _ method: String, _ request: AdminRequest
    ) throws(AdminError) -> (route: AdminRoute, parameters: [String: String]) {
        let match = matcher.match(method, path: request.path)
        var isOpen = false
        if case .found(let route, _) = match {
            isOpen = route.access == .open || route.access == .metrics && metricsAreOpen
        }
        if !isOpen { try admitToken(request) }
        switch match {
        case .found(let route, let parameters): return (route, parameters)
        case .otherMethods: throw AdminError(.methodNotAllowed, "The path exists, but not for the method \(method).")
        case .none: throw AdminError(.notFound, "There is nothing at this path.")
        }
    }

    private func admitToken(_ request: AdminRequest) throws(AdminError) {
        switch gate.judge(request.authorization, peer: request.peer, now: SystemTime.monotonicNanoseconds()) {
        case .admitted: return
        case .refused:
            throw AdminError(.unauthorized, "The header 'Authorization: Bearer TOKEN' must carry the admin token.")
        case .throttled(let seconds, let isNew):
            if isNew { logger.warning("Wrong admin tokens are throttled.", metadata: ["peer": "\(request.peer)"]) }
            var error = AdminError(
                .tooManyAttempts, "Too many wrong tokens came from this address; try again in \(seconds) seconds.")
            error.retryAfter = seconds
            throw error
        }
    }

    private static func call(
        _ route: AdminRoute, _ parameters: [String: String], _ request: AdminRequest
    ) throws(AdminError) -> AdminCall {
        guard let pairs = PercentEncoding.pairs(of: request.query) else {
            throw AdminError(.invalidField, "The query is not valid percent-encoded UTF-8.")
        }
        var call = AdminCall(parameters: parameters)
        // Health checks and scrapers add parameters of their own.
        if route.access == .token { call.query = try route.query.checkQuery(pairs) }
        if let schema = route.body { call.body = try body(request.body, schema) }
        return call
    }

    private static func body(_ bytes: [UInt8], _ schema: Record) throws(AdminError) -> JSONObject {
        guard bytes.count <= longestBody else { throw bodyTooLarge }
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw AdminError(.invalidBody, "The body is not valid JSON: \(error.message)")
        }
        guard let object = document.objectValue else {
            throw AdminError(.invalidBody, "The body must be a JSON object.")
        }
        if let twice = firstRepeated(object.keys) {
            throw AdminError(.invalidBody, "\(twice) appears twice in the body.", field: twice)
        }
        try schema.check(object)
        return object
    }

    private static func firstRepeated(_ keys: [String]) -> String? {
        var seen: Set<String> = []
        return keys.first { !seen.insert($0).inserted }
    }

    static let bodyTooLarge = AdminError(.bodyTooLarge, "The body must not be longer than \(longestBody) bytes.")
}
