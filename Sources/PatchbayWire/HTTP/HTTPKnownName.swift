/// Field names the gateway acts on, recognised once, while the head is parsed. Everything else is `other`.
package enum HTTPKnownName: UInt8, Sendable, Hashable, CaseIterable {
    case other = 0
    case accept
    case acceptEncoding
    case acceptLanguage
    case age
    case allow
    case anthropicBeta
    case anthropicVersion
    case apiKey
    case authorization
    case cacheControl
    case connection
    case contentEncoding
    case contentLength
    case contentType
    case cookie
    case date
    case entityTag
    case expect
    case forwarded
    case from
    case host
    case http2Settings
    case idempotencyKey
    case keepAlive
    case location
    case openAIOrganization
    case openAIProject
    case origin
    case pragma
    case proxyAuthenticate
    case proxyAuthorization
    case proxyConnection
    case referer
    case requestID
    case retryAfter
    case retryAfterMilliseconds
    case server
    case setCookie
    case te
    case traceparent
    case tracestate
    case trailer
    case transferEncoding
    case upgrade
    case userAgent
    case vary
    case via
    case wwwAuthenticate
    case xAPIKey
    case xForwardedFor
    case xForwardedHost
    case xForwardedPort
    case xForwardedProto
    case xGoogAPIKey
    case xRealIP
    case xRequestID
    case xShouldRetry

    /// Fields that describe one connection and are never forwarded (RFC 9110 section 7.6.1).
    package var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyAuthenticate, .proxyAuthorization, .proxyConnection, .te, .trailer,
            .transferEncoding, .upgrade, .http2Settings:
            true
        default: false
        }
    }

    /// The name in lower case; empty for `other`.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .acceptLanguage: "accept-language"
        case .age: "age"
        case .allow: "allow"
        case .anthropicBeta: "anthropic-beta"
        case .anthropicVersion: "anthropic-version"
        case .apiKey: "api-key"
        case .authorization: "authorization"
        case .cacheControl: "cache-control"
        case .connection: "connection"
        case .contentEncoding: "content-encoding"
        case .contentLength: "content-length"
        case .contentType: "content-type"
        case .cookie: "cookie"
        case .date: "date"
        case .entityTag: "etag"
        case .expect: "expect"
        case .forwarded: "forwarded"
        case .from: "from"
        case .host: "host"
        case .http2Settings: "http2-settings"
        case .idempotencyKey: "idempotency-key"
        case .keepAlive: "keep-alive"
        case .location: "location"
        case .openAIOrganization: "openai-organization"
        case .openAIProject: "openai-project"
        case .origin: "origin"
        case .pragma: "pragma"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyConnection: "proxy-connection"
        case .referer: "referer"
        case .requestID: "request-id"
        case .retryAfter: "retry-after"
        case .retryAfterMilliseconds: "retry-after-ms"
        case .server: "server"
        case .setCookie: "set-cookie"
        case .te: "te"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .trailer: "trailer"
        case .transferEncoding: "transfer-encoding"
        case .upgrade: "upgrade"
        case .userAgent: "user-agent"
        case .vary: "vary"
        case .via: "via"
        case .wwwAuthenticate: "www-authenticate"
        case .xAPIKey: "x-api-key"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .xForwardedProto: "x-forwarded-proto"
        case .xGoogAPIKey: "x-goog-api-key"
        case .xRealIP: "x-real-ip"
        case .xRequestID: "x-request-id"
        case .xShouldRetry: "x-should-retry"
        }
    }
}

extension HTTPKnownName {
    /// Recognises a field name in any case. `name` must consist of token characters.
    package init(name: UnsafeRawBufferPointer) {
        guard let base = name.baseAddress else {
            self = .other
            return
        }
        self = HTTPKnownName.lookup(base, name.count)
    }

    /// Only names of the same length are compared, a word at a time.
    static func lookup(_ name: UnsafeRawPointer, _ count: Int) -> HTTPKnownName {
        switch count {
        case 2:
            if name.equalsIgnoringCase("te", count: 2) { return .te }
        case 3:
            if name.equalsIgnoringCase("age", count: 3) { return .age }
            if name.equalsIgnoringCase("via", count: 3) { return .via }
        case 4:
            if name.equalsIgnoringCase("date", count: 4) { return .date }
            if name.equalsIgnoringCase("etag", count: 4) { return .entityTag }
            if name.equalsIgnoringCase("from", count: 4) { return .from }
            if name.equalsIgnoringCase("host", count: 4) { return .host }
            if name.equalsIgnoringCase("vary", count: 4) { return .vary }
        case 5:
            if name.equalsIgnoringCase("allow", count: 5) { return .allow }
        case 6:
            if name.equalsIgnoringCase("accept", count: 6) { return .accept }
            if name.equalsIgnoringCase("cookie", count: 6) { return .cookie }
            if name.equalsIgnoringCase("expect", count: 6) { return .expect }
            if name.equalsIgnoringCase("origin", count: 6) { return .origin }
            if name.equalsIgnoringCase("pragma", count: 6) { return .pragma }
            if name.equalsIgnoringCase("server", count: 6) { return .server }
        case 7:
            if name.equalsIgnoringCase("api-key", count: 7) { return .apiKey }
            if name.equalsIgnoringCase("referer", count: 7) { return .referer }
            if name.equalsIgnoringCase("trailer", count: 7) { return .trailer }
            if name.equalsIgnoringCase("upgrade", count: 7) { return .upgrade }
        case 8:
            if name.equalsIgnoringCase("location", count: 8) { return .location }
        case 9:
            if name.equalsIgnoringCase("forwarded", count: 9) { return .forwarded }
            if name.equalsIgnoringCase("x-api-key", count: 9) { return .xAPIKey }
            if name.equalsIgnoringCase("x-real-ip", count: 9) { return .xRealIP }
        case 10:
            if name.equalsIgnoringCase("connection", count: 10) { return .connection }
            if name.equalsIgnoringCase("keep-alive", count: 10) { return .keepAlive }
            if name.equalsIgnoringCase("request-id", count: 10) { return .requestID }
            if name.equalsIgnoringCase("set-cookie", count: 10) { return .setCookie }
            if name.equalsIgnoringCase("tracestate", count: 10) { return .tracestate }
            if name.equalsIgnoringCase("user-agent", count: 10) { return .userAgent }
        case 11:
            if name.equalsIgnoringCase("retry-after", count: 11) { return .retryAfter }
            if name.equalsIgnoringCase("traceparent", count: 11) { return .traceparent }
        case 12:
            if name.equalsIgnoringCase("content-type", count: 12) { return .contentType }
            if name.equalsIgnoringCase("x-request-id", count: 12) { return .xRequestID }
        case 13:
            if name.equalsIgnoringCase("authorization", count: 13) { return .authorization }
            if name.equalsIgnoringCase("cache-control", count: 13) { return .cacheControl }
        case 14:
            if name.equalsIgnoringCase("anthropic-beta", count: 14) { return .anthropicBeta }
            if name.equalsIgnoringCase("content-length", count: 14) { return .contentLength }
            if name.equalsIgnoringCase("http2-settings", count: 14) { return .http2Settings }
            if name.equalsIgnoringCase("openai-project", count: 14) { return .openAIProject }
            if name.equalsIgnoringCase("retry-after-ms", count: 14) { return .retryAfterMilliseconds }
            if name.equalsIgnoringCase("x-goog-api-key", count: 14) { return .xGoogAPIKey }
            if name.equalsIgnoringCase("x-should-retry", count: 14) { return .xShouldRetry }
        case 15:
            if name.equalsIgnoringCase("accept-encoding", count: 15) { return .acceptEncoding }
            if name.equalsIgnoringCase("accept-language", count: 15) { return .acceptLanguage }
            if name.equalsIgnoringCase("idempotency-key", count: 15) { return .idempotencyKey }
            if name.equalsIgnoringCase("x-forwarded-for", count: 15) { return .xForwardedFor }
        case 16:
            if name.equalsIgnoringCase("content-encoding", count: 16) { return .contentEncoding }
            if name.equalsIgnoringCase("proxy-connection", count: 16) { return .proxyConnection }
            if name.equalsIgnoringCase("www-authenticate", count: 16) { return .wwwAuthenticate }
            if name.equalsIgnoringCase("x-forwarded-host", count: 16) { return .xForwardedHost }
            if name.equalsIgnoringCase("x-forwarded-port", count: 16) { return .xForwardedPort }
        case 17:
            if name.equalsIgnoringCase("anthropic-version", count: 17) { return .anthropicVersion }
            if name.equalsIgnoringCase("transfer-encoding", count: 17) { return .transferEncoding }
            if name.equalsIgnoringCase("x-forwarded-proto", count: 17) { return .xForwardedProto }
        case 18:
            if name.equalsIgnoringCase("proxy-authenticate", count: 18) { return .proxyAuthenticate }
        case 19:
            if name.equalsIgnoringCase("openai-organization", count: 19) { return .openAIOrganization }
            if name.equalsIgnoringCase("proxy-authorization", count: 19) { return .proxyAuthorization }
        default: break
        }
        return .other
    }
}
