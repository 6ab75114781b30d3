internal import CPatchbay

/// Why a call to a plugin, or one of its services, failed.
package struct PluginError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The numbers are those of `PB_E_` in `patchbay/base.h`; the names are bounded words for metrics and the API.
    package enum Code: Int32, Sendable, Hashable, CaseIterable {
        case invalid = -1
        case unsupported = -2
        case denied = -3
        case notFound = -4
        case conflict = -5
        case tooLarge = -6
        case timeout = -7
        case cancelled = -8
        case unavailable = -9
        case authentication = -10
        case rateLimited = -11
        case protocolViolation = -12
        case network = -13
        case challenge = -14
        case stopped = -15
        case internalDefect = -16

        package var name: String {
            switch self {
            case .invalid: "invalid"
            case .unsupported: "unsupported"
            case .denied: "denied"
            case .notFound: "not_found"
            case .conflict: "conflict"
            case .tooLarge: "too_large"
            case .timeout: "timeout"
            case .cancelled: "cancelled"
            case .unavailable: "unavailable"
            case .authentication: "authentication"
            case .rateLimited: "rate_limited"
            case .protocolViolation: "protocol"
            case .network: "network"
            case .challenge: "challenge"
            case .stopped: "stopped"
            case .internalDefect: "internal"
            }
        }

        /// A code this host does not know counts as a defect of the plugin.
        init(status: Int32) {
            self = Code(rawValue: status) ?? .internalDefect
        }
    }

    package var code: Code
    /// One sentence for people, without secrets.
    package var sentence: String
    /// Status of the peer's answer; nil = there was none.
    package var httpStatus: Int?
    /// What the peer asked for.
    package var retryAfterMilliseconds: Int?
    /// A JSON object with more, for machines.
    package var details: String?

    package init(
        _ code: Code, _ sentence: String, httpStatus: Int? = nil, retryAfterMilliseconds: Int? = nil,
        details: String? = nil
    ) {
        self.code = code
        self.sentence = sentence
        self.httpStatus = httpStatus
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.details = details
    }

    package var description: String { "\(code.name): \(sentence)" }

    /// A failed function that had a sink for its sentence.
    init(status: pb_status, sink: ByteSink, doing action: String, plugin: String) {
        let code = Code(status: status)
        self.init(code, sink.sentence ?? "The plugin \(plugin) failed to \(action) (\(code.name)).")
    }

    /// A copy of an error that a plugin reports.
    init(_ pointer: UnsafePointer<pb_error>?, plugin: String) {
        guard let pointer, pointer.pointee.size >= 24 else {
            self.init(.internalDefect, "The plugin \(plugin) failed without saying why.")
            return
        }
        let error = copyRecord(pb_error.self, from: UnsafeRawPointer(pointer))
        let code = Code(status: error.code)
        let text = error.message.text
        self.init(
            code, text.isEmpty ? "The plugin \(plugin) failed without saying why (\(code.name))." : text,
            httpStatus: error.http_status == 0 ? nil : Int(error.http_status),
            retryAfterMilliseconds: error.retry_after_ms == 0 ? nil : Int(clamping: error.retry_after_ms),
            details: error.details_json.isAbsent ? nil : error.details_json.text)
    }
}
