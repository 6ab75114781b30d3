package import PatchbayWire

/// How long each phase of an exchange may take, in milliseconds. They are enforced by ``UpstreamPool/tick(now:)``.
package struct UpstreamTimeouts: Sendable, Hashable {
    /// Until a connection is there: waiting for a free one, name resolution, TCP and TLS handshakes.
    package var connect: Int
    /// Each pause in which the upstream takes nothing of the request.
    package var write: Int
    /// From the request's departure to the response head.
    package var firstByte: Int
    /// Between two reads of the body.
    package var idle: Int

    package init(connect: Int = 5_000, write: Int = 30_000, firstByte: Int = 60_000, idle: Int = 60_000) {
        self.connect = connect
        self.write = write
        self.firstByte = firstByte
        self.idle = idle
    }
}

/// Bounds of one loop's pool.
package struct UpstreamPoolLimits: Sendable, Hashable {
    /// Connections kept open for reuse.
    package var idlePerOrigin: Int
    /// How long an unused connection is kept.
    package var idleAgeMilliseconds: Int
    /// After so long a connection takes no further request; nil = it may get as old as it likes.
    package var connectionAgeMilliseconds: Int?
    /// Open and opening connections; nil = as many as there are requests.
    package var connectionsPerOrigin: Int?
    /// Requests that may wait for a connection.
    package var waitingPerOrigin: Int
    /// Bounds of response heads.
    package var http: HTTPLimits

    package init(
        idlePerOrigin: Int = 128, idleAgeMilliseconds: Int = 55_000, connectionAgeMilliseconds: Int? = nil,
        connectionsPerOrigin: Int? = nil, waitingPerOrigin: Int = 1_024, http: HTTPLimits = HTTPLimits()
    ) {
        self.idlePerOrigin = idlePerOrigin
        self.idleAgeMilliseconds = idleAgeMilliseconds
        self.connectionAgeMilliseconds = connectionAgeMilliseconds
        self.connectionsPerOrigin = connectionsPerOrigin.map { max(1, $0) }
        self.waitingPerOrigin = waitingPerOrigin
        self.http = http
    }
}

/// What a pool does and has done.
package struct UpstreamStatistics: Sendable, Hashable {
    /// Exchanges that have not ended.
    package var active = 0
    /// Exchanges among them that wait for a connection.
    package var waiting = 0
    /// Connections kept for reuse.
    package var idle = 0
    /// Connections being opened.
    package var dialing = 0
    /// Since the start: connections opened, requests sent on a used connection, requests sent again because the used
    /// connection turned out to be closed, exchanges that failed.
    package var opened = 0
    package var reused = 0
    package var retried = 0
    package var failed = 0

    package init() {}
}
