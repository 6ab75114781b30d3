import PatchbayWire

/// One operation of the admin API: what the router matches, what the document says, and what runs. They are one value,
/// so they cannot differ.
struct AdminRoute: Sendable {
    enum Access: Sendable {
        /// Anybody.
        case open
        case token
        /// Anybody if the listener is reachable from this machine only, else with the token.
        case metrics
    }

    var method: AdminMethod
    /// Such as `/api/v1/sites/{id}`. A parameter at the end takes the rest of the path, slashes included.
    var path: String
    var operation: String
    var summary: String
    var tag: String
    var access = Access.token
    var query: [Field] = []
    var body: Record?
    var success: Success
    /// Errors beside those that every operation may answer.
    var errors: [AdminError.Code] = []
    /// Left out of the document: another name of an operation that is in it.
    var isAlias = false
    var handle: @Sendable (AdminCall) async throws -> AdminAnswer

    struct Success: Sendable {
        var status = 200
        var schema: Schema?
        var contentType = AdminAnswer.json
        var note: String
    }

    var segments: [PathSegment] { PathSegment.parse(path) }
}

enum AdminMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case patch = "PATCH"
    case delete = "DELETE"
}

enum PathSegment: Sendable, Hashable {
    case literal(String)
    case parameter(String)

    static func parse(_ path: String) -> [PathSegment] {
        path.split(separator: "/").map { part in
            part.hasPrefix("{") ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }
}

/// A request as it came in.
package struct AdminRequest: Sendable {
    package var method: String
    /// Percent-encoded, without the query.
    package var path: String
    /// Percent-encoded, without `?`.
    package var query: String
    /// Value of the `authorization` header.
    package var authorization: String?
    package var body: [UInt8]
    /// Address of the peer without its port; empty = unknown.
    package var peer: String

    package init(
        method: String, path: String, query: String = "", authorization: String? = nil, body: [UInt8] = [],
        peer: String = ""
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.authorization = authorization
        self.body = body
        self.peer = peer
    }
}

/// A request that was matched, let in and checked against the schemas of its route.
struct AdminCall: Sendable {
    /// Decoded path parameters.
    var parameters: [String: String] = [:]
    /// Decoded query parameters.
    var query: [String: String] = [:]
    var body = JSONObject()

    var id: String { parameters["id"] ?? "" }
}

/// An answer before it is sent.
package struct AdminAnswer: Sendable {
    static let json = "application/json"

    package var status: Int
    package var contentType: String
    package var headers: [(name: String, value: String)] = []
    package var body: [UInt8]

    init(status: Int = 200, _ document: JSONValue) {
        self.status = status
        contentType = Self.json
        body = document.serialised()
    }

    init(status: Int = 200, contentType: String, text: String) {
        self.status = status
        self.contentType = contentType
        body = Array(text.utf8)
    }

    /// Nothing to say.
    static let empty = AdminAnswer(status: 204, contentType: "", text: "")

    init(_ error: AdminError) {
        self.init(status: error.code.status, error.document)
        if error.code == .unauthorized { headers.append((name: "www-authenticate", value: "Bearer")) }
        if let seconds = error.retryAfter { headers.append((name: "retry-after", value: "\(seconds)")) }
    }
}
