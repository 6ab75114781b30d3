#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
package import Logging
import PatchbayCore

/// Writes one line per log message, as text or as JSON, in one system call.
///
/// A value of type `Secret` is written as a placeholder, and so is whatever stands under a name that promises one, such
/// as `api_key`.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogSettings.Format
    private let output: @Sendable ([UInt8]) -> Void
    private let clock: @Sendable () -> Int64

    /// - Parameters:
    ///   - output: Takes a whole line with its end; called on the thread that logs.
    ///   - clock: Milliseconds since 1970.
    package init(
        label: String, settings: LogSettings, output: @escaping @Sendable ([UInt8]) -> Void,
        clock: @escaping @Sendable () -> Int64 = { SystemTime.unixMilliseconds() }
    ) {
        self.label = label
        self.format = settings.format
        self.logLevel = settings.level
        self.output = output
        self.clock = clock
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { _, new in new }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = .string("\(error)") }
        var line = LogLine(format: format)
        line.begin(time: clock(), level: event.level.rawValue, label: label, message: event.message.description)
        // The request comes first, so that lines of one request are easy to see.
        for (name, value) in all.sorted(by: {
            ($0.key == "request_id" ? "" : $0.key) < ($1.key == "request_id" ? "" : $1.key)
        }) {
            line.add(name, value)
        }
        output(line.finished())
    }

    /// Writes a line to standard error. A line that cannot be written is lost: there is nowhere to say so.
    package static let standardError: @Sendable ([UInt8]) -> Void = { line in
        line.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = write(STDERR_FILENO, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                offset += count
            }
        }
    }
}
