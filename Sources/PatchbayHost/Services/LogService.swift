internal import CPatchbay
internal import Logging
internal import PatchbayCore

/// `patchbay.log/1` over swift-log, with a limit on the rate of each plugin.
enum LogService {
    static func table(minimum: Logger.Level) -> pb_log {
        pb_log(size: UInt32(MemoryLayout<pb_log>.size), minimum_level: number(of: minimum), write: write)
    }

    private static let write:
        @convention(c) (UnsafePointer<pb_host>?, UInt32, pb_str, UnsafePointer<pb_field>?, UInt32) -> Void = {
            host, level, message, fields, count in
            guard let context = InstanceContext.of(host) else { return }
            let level = LogService.level(of: level)
            guard context.logger.logLevel <= level else { return }
            switch context.logLimit.take(now: SystemTime.monotonicNanoseconds()) {
            case .drop:
                return
            case .pass(let dropped):
                if dropped > 0 {
                    context.logger.warning("plugin logs too much", metadata: ["dropped": "\(dropped)"])
                }
            }
            var metadata: Logger.Metadata = [:]
            for field in UnsafeBufferPointer(start: fields, count: fields == nil ? 0 : Int(min(count, 32))) {
                metadata[clipped(field.name, 64)] = .string(clipped(field.value, 2048))
            }
            context.logger.log(level: level, "\(clipped(message, 1024))", metadata: metadata)
        }

    private static func clipped(_ text: pb_str, _ limit: Int) -> String {
        String(decoding: text.bytes.prefix(limit), as: UTF8.self)
    }

    private static func level(of number: UInt32) -> Logger.Level {
        switch Int(number) {
        case PB_LOG_TRACE: .trace
        case PB_LOG_DEBUG: .debug
        case PB_LOG_INFO: .info
        case PB_LOG_WARNING: .warning
        default: .error
        }
    }

    private static func number(of level: Logger.Level) -> UInt32 {
        switch level {
        case .trace: UInt32(PB_LOG_TRACE)
        case .debug: UInt32(PB_LOG_DEBUG)
        case .info, .notice: UInt32(PB_LOG_INFO)
        case .warning: UInt32(PB_LOG_WARNING)
        case .error, .critical: UInt32(PB_LOG_ERROR)
        }
    }
}

/// A token bucket for log lines: 200 at once, 50 a second.
final class LogLimit: Sendable {
    enum Decision {
        case drop
        /// Pass, and say how many were dropped since the last one that passed.
        case pass(dropped: Int)
    }

    private struct State {
        var tokens = 200.0
        var time: Int64 = 0
        var dropped = 0
    }

    private let state = Locked(State())

    /// - Parameter now: monotonic nanoseconds.
    func take(now: Int64) -> Decision {
        state.withLock { state in
            if state.time != 0 { state.tokens = min(200, state.tokens + Double(now - state.time) / 1e9 * 50) }
            state.time = now
            guard state.tokens >= 1 else {
                state.dropped += 1
                return .drop
            }
            state.tokens -= 1
            defer { state.dropped = 0 }
            return .pass(dropped: state.dropped)
        }
    }
}
