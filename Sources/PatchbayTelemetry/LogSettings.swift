package import Logging

/// How log lines are written: `PATCHBAY_LOG_LEVEL` (trace ... critical) and `PATCHBAY_LOG_FORMAT` (text or json).
package struct LogSettings: Sendable, Hashable {
    package enum Format: String, Sendable {
        case text
        case json
    }

    package var level: Logger.Level
    package var format: Format

    package init(level: Logger.Level = .info, format: Format = .text) {
        self.level = level
        self.format = format
    }

    /// Values that are not understood count as unset.
    package init(environment: [String: String]) {
        self.init(
            level: environment["PATCHBAY_LOG_LEVEL"].flatMap { Logger.Level(rawValue: $0.lowercased()) } ?? .info,
            format: environment["PATCHBAY_LOG_FORMAT"].flatMap { Format(rawValue: $0.lowercased()) } ?? .text)
    }

    /// A factory for `LoggingSystem.bootstrap`.
    package func factory(
        output: @escaping @Sendable ([UInt8]) -> Void = LineLogHandler.standardError
    ) -> @Sendable (String) -> LineLogHandler {
        { label in LineLogHandler(label: label, settings: self, output: output) }
    }
}
