package import PatchbayCore

/// The clocks that plugins see, so that tests can set them.
package struct HostClock: Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    package var unixMilliseconds: @Sendable () -> Int64
    /// Nanoseconds on a clock that never goes back. Deadlines and timers always use the system's clock.
    package var monotonicNanoseconds: @Sendable () -> Int64

    package init(
        unixMilliseconds: @escaping @Sendable () -> Int64 = { SystemTime.unixMilliseconds() },
        monotonicNanoseconds: @escaping @Sendable () -> Int64 = { SystemTime.monotonicNanoseconds() }
    ) {
        self.unixMilliseconds = unixMilliseconds
        self.monotonicNanoseconds = monotonicNanoseconds
    }
}

/// What the program gives to the plugin host.
package struct HostServices: Sendable {
    /// Version of the program, for messages and the user agent of control requests.
    package var version: String
    package var keyValues: any PluginKeyValueStore
    /// Addresses that control requests may connect to.
    package var egress: EgressPolicy
    package var clock = HostClock()
    package var http = HTTPSettings()

    package init(version: String = "0", keyValues: any PluginKeyValueStore, egress: EgressPolicy) {
        self.version = version
        self.keyValues = keyValues
        self.egress = egress
    }
}

/// Defaults and limits of control requests.
package struct HTTPSettings: Sendable {
    /// Milliseconds for a whole exchange when the plugin does not say.
    package var timeout = 30_000
    package var connectTimeout = 10_000
    /// Bytes of an answer when the plugin does not say.
    package var bodyLimit = 8 << 20
    /// Bytes of an answer, whatever the plugin says.
    package var bodyMaximum = 64 << 20
    /// Requests in flight at once; more wait.
    package var connections = 64
    /// A PEM file with the only authorities that may vouch for a host; nil = those of `SSL_CERT_FILE` and the system.
    package var authorities: String?

    package init() {}
}
