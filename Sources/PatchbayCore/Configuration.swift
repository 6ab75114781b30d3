/// Everything that can be configured, after the file and the store have been read: plain values, validated, expanded.
package struct Configuration: Sendable {
    package var gateway = GatewayConfiguration()
    package var admin = AdminConfiguration()
    package var egress = EgressConfiguration()
    /// What holds where neither a site nor a route says otherwise.
    package var policy = RequestPolicy()
    /// What holds for every site that does not say otherwise.
    package var concurrency = ConcurrencySettings()
    package var pool = PoolSettings()
    /// Prices by public model name.
    package var prices: [String: ModelPrice] = [:]
    package var sites: [Site] = []
    package var keys: [Key] = []
    package var groups: [KeyGroup] = []
    package var routes: [Route] = []

    package init() {}
}

/// Where a thing was declared. What the file declares is read-only in the admin API.
package enum ConfigurationSource: String, Sendable, Hashable {
    case file
    case store
    /// Made by Patchbay itself, as a route from discovery or the simulated site.
    case generated
}

/// An address to listen on. Port 0 lets the system choose.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses `HOST:PORT`, `[IPv6]:PORT` or `:PORT`; nil if it is neither.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.init(host: host.isEmpty ? "0.0.0.0" : host, port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// The data plane's listener and its limits. Durations in milliseconds, sizes in bytes.
package struct GatewayConfiguration: Sendable {
    package var listen = ListenAddress(host: "127.0.0.1", port: 4000)
    /// Number of event loops; nil = one per core.
    package var eventLoops: Int?
    package var limits = GatewayLimits()
    package var timeouts = GatewayTimeouts()
    package var responses = ResponseStoreSettings()
    package var files = FileStoreSettings()
    package var drain = GatewayDrain()
    /// A request that has come through so many gateways already is refused: it runs in a circle.
    package var maxHops = 4
    /// A content delivery network in front of the gateway puts pages of its own in place of answers with the statuses
    /// 502 and 504, so the gateway answers 503 instead.
    package var isBehindCDN = false

    package init() {}
}

/// What concerns the listener as a whole; what concerns a request is in ``RequestPolicy``.
package struct GatewayLimits: Sendable, Hashable {
    package var connections = 16_384
    package init() {}
}

/// What concerns client connections; what concerns upstreams is in ``RequestPolicy``.
package struct GatewayTimeouts: Sendable, Hashable {
    /// From the first byte of a request head to its end, and for each pause inside a body.
    package var clientRead = 30_000
    /// A client that takes nothing for so long is dropped.
    package var clientWrite = 30_000
    package var keepAlive = 75_000
    /// A client of a stream that has heard nothing for so long gets a sign of life.
    package var heartbeat = 15_000
    package init() {}
}

package struct AdminConfiguration: Sendable {
    package var listen = ListenAddress(host: "127.0.0.1", port: 4001)
    /// nil = generated at the first start and kept in the data directory.
    package var token: Secret?

    package init() {}
}

/// Private, loopback and other special addresses are refused as upstreams unless a listed network contains them.
package struct EgressConfiguration: Sendable, Hashable {
    /// Networks in CIDR notation.
    package var allow: [String] = []

    package init(allow: [String] = []) {
        self.allow = allow
    }
}

extension ListenAddress {
    /// Only programs of this machine can reach it.
    package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
