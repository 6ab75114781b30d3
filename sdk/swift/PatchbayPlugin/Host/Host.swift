import CPatchbay

/// The host as one instance sees it. Valid as long as the instance; services that the host lacks answer with
/// ``PluginError/Code/unsupported``.
public struct Host: @unchecked Sendable {  // the record is immutable and its services may be called from any thread
    let record: UnsafePointer<pb_host>

    /// Version of the host program, for messages.
    public var version: String { ByteView(record.pointee.host_version).string }

    /// The structured log.
    public var log: Log { Log(host: self) }

    /// Time from the host, so that tests can set it.
    public var clock: HostClock { HostClock(host: self) }

    /// The table of a service, or nil if the host lacks it or offers an older and shorter one.
    func service<Table>(_ id: String, as type: Table.Type, size: KeyPath<Table, UInt32>) -> UnsafePointer<Table>? {
        guard let get = record.pointee.get, let pointer = id.withCString({ get(record, $0) }) else { return nil }
        let table = pointer.assumingMemoryBound(to: Table.self)
        return Int(table.pointee[keyPath: size]) >= MemoryLayout<Table>.size ? table : nil
    }
}

/// Structured log: constant messages, what varies goes into fields. Never pass a secret.
public struct Log: Sendable {
    public enum Level: UInt32, Sendable { case trace = 0, debug = 1, info = 2, warning = 3, error = 4 }

    let host: Host

    /// Writes a line if the level is enabled. May be called from any thread.
    public func write(_ level: Level, _ message: StaticString, _ fields: [(String, String)] = []) {
        guard let table = host.service(PB_LOG_ID, as: pb_log.self, size: \.size),
            level.rawValue >= table.pointee.minimum_level, let write = table.pointee.write
        else { return }
        message.withUTF8Buffer { text in
            withFields(fields) { write(host.record, level.rawValue, pb_str(text), $0.baseAddress, UInt32($0.count)) }
        }
    }

    public func debug(_ message: StaticString, _ fields: [(String, String)] = []) { write(.debug, message, fields) }
    public func info(_ message: StaticString, _ fields: [(String, String)] = []) { write(.info, message, fields) }
    public func warning(_ message: StaticString, _ fields: [(String, String)] = []) { write(.warning, message, fields) }
    public func error(_ message: StaticString, _ fields: [(String, String)] = []) { write(.error, message, fields) }
}

/// Time from the host. Falls back to the system's clocks when the host offers none.
public struct HostClock: Sendable {
    let host: Host

    var table: UnsafePointer<pb_clock>? { host.service(PB_CLOCK_ID, as: pb_clock.self, size: \.size) }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var unixMilliseconds: UInt64 {
        guard let now = table?.pointee.unix_ms else { return SystemClock.wallNanoseconds / 1_000_000 }
        return now(host.record)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    public var unixSeconds: UInt64 { unixMilliseconds / 1000 }

    /// Nanoseconds on a clock that never goes back. The origin is unspecified.
    public var monotonicNanoseconds: UInt64 {
        guard let now = table?.pointee.monotonic_ns else { return SystemClock.monotonicNanoseconds }
        return now(host.record)
    }
}
