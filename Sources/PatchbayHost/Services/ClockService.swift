internal import CPatchbay
internal import PatchbayCore

/// `patchbay.clock/1`.
enum ClockService {
    static let table = StaticTable(
        pb_clock(
            size: UInt32(MemoryLayout<pb_clock>.size), reserved: 0,
            unix_ms: { host in
                UInt64(max(InstanceContext.of(host)?.runtime.services.clock.unixMilliseconds() ?? 0, 0))
            },
            monotonic_ns: { host in
                UInt64(max(InstanceContext.of(host)?.runtime.services.clock.monotonicNanoseconds() ?? 0, 0))
            }, after: after))

    /// A function that is due at a time or at cancellation, whichever is first.
    private final class Alarm: Sendable {
        private let callback: PluginCallback
        /// Keeps the instance from being destroyed before the function has run.
        private let instance: Locked<PluginInstance?>

        init(_ callback: PluginCallback, keeping instance: PluginInstance) {
            self.callback = callback
            self.instance = Locked(instance)
        }

        func ring() {
            let instance = instance.withLock { $0.take() }
            guard let instance else { return }
            callback()
            _ = instance
        }
    }

    private static let after:
        @convention(c) (
            UnsafePointer<pb_host>?, UnsafePointer<pb_call>?, UInt64,
            (@convention(c) (UnsafeMutableRawPointer?) -> Void)?,
            UnsafeMutableRawPointer?
        ) -> pb_status = { host, call, delay, function, user in
            guard let context = InstanceContext.of(host), let function else { return Status.invalid }
            guard let instance = context.instance else { return Status.denied }
            let alarm = Alarm(PluginCallback(function: function, user: user), keeping: instance)
            let nanoseconds = Int64(min(delay, 1 << 40)) * 1_000_000
            context.runtime.timer.schedule(at: SystemTime.monotonicNanoseconds() + nanoseconds) { alarm.ring() }
            PendingCall.of(call)?.onWithdrawal { alarm.ring() }
            return Status.ok
        }
}
