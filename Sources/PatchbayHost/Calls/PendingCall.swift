internal import CPatchbay
internal import Logging
internal import PatchbayCore
internal import Synchronization

/// One operation in flight: the `pb_call` that the plugin holds, and what its caller still waits for.
///
/// It has two ends. The caller is answered once, by the plugin, by the deadline or by cancelling. The plugin ends the
/// call once; until then the object and its record stay alive, however long that takes. Ended calls are kept for a
/// while (``CallGraveyard``), so that a second completion hits a live record and can be counted.
final class PendingCall: Sendable {
    typealias Completion = @Sendable (Result<[UInt8], PluginError>) -> Void

    private struct Registration: @unchecked Sendable {
        // The plugin promises that its functions may be called from any thread.
        var callback: PluginCallback
        var release: PluginCallback?
    }

    private struct State {
        var completion: Completion?
        var instance: PluginInstance?
        /// Keeps the object alive while the plugin has its record.
        var keeper: PendingCall?
        var registration: Registration?
        var hooks: [@Sendable () -> Void] = []
        var isRegistered = false
        var isCancelled = false
        var isEnded = false
    }

    let id: UInt64
    let operation: String
    let account: AccountContext?
    /// Monotonic nanoseconds; 0 = none.
    let deadline: Int64
    private let plugin: LoadedPlugin
    private let runtime: HostRuntime
    private let traceID: StableBytes
    // Written before the object is shared; the plugin only reads it.
    nonisolated(unsafe) private let memory: UnsafeMutablePointer<pb_call>
    private let state: Locked<State>

    var record: UnsafePointer<pb_call> { UnsafePointer(memory) }
    var mayBlock: Bool { memory.pointee.flags & PB_CALL_MAY_BLOCK != 0 }

    init(
        operation: String, instance: PluginInstance, account: AccountContext?, deadline: Int64, mayBlock: Bool,
        traceID: String, completion: @escaping Completion
    ) {
        plugin = instance.plugin
        runtime = instance.plugin.runtime
        id = runtime.nextCallID()
        self.operation = operation
        self.account = account
        self.deadline = deadline
        self.traceID = StableBytes(traceID)
        memory = UnsafeMutablePointer<pb_call>.allocate(capacity: 1)
        state = Locked(State(completion: completion, instance: instance))
        memory.initialize(
            to: pb_call(
                size: UInt32(MemoryLayout<pb_call>.size), flags: mayBlock ? PB_CALL_MAY_BLOCK : 0, id: id,
                deadline_ns: UInt64(max(deadline, 0)),
                trace_id: traceID.isEmpty ? .absent : pb_str(self.traceID.view),
                ctx: Unmanaged.passUnretained(self).toOpaque(), cancelled: Self.cancelledFunction,
                on_cancel: Self.onCancelFunction, complete: Self.completeFunction, fail: Self.failFunction))
    }

    deinit {
        memory.deallocate()
    }

    /// The call behind a record that a plugin passes; nil for NULL.
    static func of(_ record: UnsafePointer<pb_call>?) -> PendingCall? {
        guard let context = record?.pointee.ctx else { return nil }
        return Unmanaged<PendingCall>.fromOpaque(context).takeUnretainedValue()
    }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }
    var isOver: Bool { state.withLock { $0.completion == nil } }

    // MARK: - The host's side

    /// The plugin is about to get the record: from here on the call lives until ``end(with:)``.
    ///
    /// - Returns: false if nobody waits any more; the call is over then without the plugin having seen it.
    func begin() -> Bool {
        let begins = state.withLock { state in
            guard state.completion != nil else {
                state.instance = nil
                return false
            }
            state.keeper = self
            return true
        }
        if begins { plugin.statistics.pending.add(1, ordering: .relaxed) }
        return begins
    }

    /// Answers the caller without the plugin and asks the plugin to give up.
    func withdraw(_ error: PluginError) {
        let (completion, hooks, hasRegistration) = state.withLock { state in
            defer { state.hooks = [] }
            guard !state.isEnded else { return (Completion?.none, [@Sendable () -> Void](), false) }
            state.isCancelled = true
            defer { state.completion = nil }
            return (state.completion, state.hooks, state.registration != nil)
        }
        if hasRegistration { runtime.timer.soon { [self] in runRegistration() } }
        for hook in hooks { runtime.timer.soon(hook) }
        guard let completion else { return }
        if error.code == .timeout { plugin.statistics.timeouts.add(1, ordering: .relaxed) }
        completion(.failure(error))
    }

    /// Runs `hook` on a host thread when the call is withdrawn; soon if it has been already.
    func onWithdrawal(_ hook: @escaping @Sendable () -> Void) {
        let runsNow = state.withLock { state in
            if state.isCancelled { return true }
            if !state.isEnded { state.hooks.append(hook) }
            return false
        }
        if runsNow { runtime.timer.soon(hook) }
    }

    private func runRegistration() {
        guard let registration = state.withLock({ $0.registration.take() }) else { return }
        registration.callback()
        registration.release?()
    }

    /// The plugin is done with the call.
    func end(with result: Result<[UInt8], PluginError>) {
        let ended = state.withLock { state -> (State, first: Bool) in
            guard !state.isEnded else { return (State(), false) }
            let before = state
            state = State(isEnded: true)
            state.isCancelled = before.isCancelled
            return (before, true)
        }
        guard ended.first else {
            reportDoubleCompletion()
            return
        }
        ended.0.registration?.release?()
        if ended.0.keeper != nil { plugin.statistics.pending.subtract(1, ordering: .relaxed) }
        runtime.graveyard.bury(self)
        if let completion = ended.0.completion {
            completion(result)
        } else {
            plugin.statistics.lateCompletions.add(1, ordering: .relaxed)
        }
    }

    /// The plugin said that it has ended the call.
    func expectEnded() {
        guard !state.withLock({ $0.isEnded }) else { return }
        end(
            with: .failure(
                PluginError(
                    .internalDefect, "The plugin \(plugin.id) said that \(operation) is done, but gave no result.")))
    }

    private func reportDoubleCompletion() {
        plugin.statistics.doubleCompletions.add(1, ordering: .relaxed)
        runtime.logger.error(
            "plugin ended a call twice",
            metadata: ["plugin": "\(plugin.id)", "operation": "\(operation)", "call": "\(id)"])
    }

    // MARK: - The plugin's side

    private static let cancelledFunction: @convention(c) (UnsafePointer<pb_call>?) -> Int32 = { record in
        PendingCall.of(record)?.isCancelled == true ? 1 : 0
    }

    private static let completeFunction: @convention(c) (UnsafePointer<pb_call>?, pb_str) -> Void = { record, result in
        guard let call = PendingCall.of(record) else { return }
        call.end(with: call.check(result.bytes))
    }

    private static let failFunction: @convention(c) (UnsafePointer<pb_call>?, UnsafePointer<pb_error>?) -> Void = {
        record, error in
        guard let call = PendingCall.of(record) else { return }
        call.end(with: .failure(PluginError(error, plugin: call.plugin.id)))
    }

    private static let onCancelFunction:
        @convention(c) (
            UnsafePointer<pb_call>?, (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, UnsafeMutableRawPointer?,
            (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
        ) -> pb_status = { record, function, user, release in
            guard let call = PendingCall.of(record), let function else { return Status.invalid }
            let callback = PluginCallback(function: function, user: user)
            return call.register(callback, release: release.map { PluginCallback(function: $0, user: user) })
        }

    private func register(_ callback: PluginCallback, release: PluginCallback?) -> pb_status {
        let registration = Registration(callback: callback, release: release)
        let (status, runsNow) = state.withLock { state -> (pb_status, Bool) in
            guard !state.isRegistered, !state.isEnded else { return (Status.conflict, false) }
            state.isRegistered = true
            state.registration = registration
            return (Status.ok, state.isCancelled)
        }
        if runsNow { runtime.timer.soon { [self] in runRegistration() } }
        return status
    }

    private func check(_ bytes: UnsafeRawBufferPointer) -> Result<[UInt8], PluginError> {
        guard bytes.count <= 64 << 20 else {
            return .failure(
                PluginError(.tooLarge, "The plugin \(plugin.id) answered \(operation) with \(bytes.count) bytes."))
        }
        guard CallDocument.isDocument(bytes) else {
            return .failure(
                PluginError(
                    .internalDefect, "The plugin \(plugin.id) answered \(operation) with something that is not JSON."))
        }
        return .success([UInt8](bytes))
    }
}

/// The last ended calls, so that their records stay readable for a plugin that wrongly ends a call again.
final class CallGraveyard: Sendable {
    private struct State {
        var calls: [PendingCall?]
        var next = 0
    }

    private let state: Locked<State>

    init(capacity: Int = 1024) {
        state = Locked(State(calls: Array(repeating: nil, count: capacity)))
    }

    func bury(_ call: PendingCall) {
        // The call that makes room is released outside of the lock.
        let oldest = state.withLock { state in
            let oldest = state.calls[state.next]
            state.calls[state.next] = call
            state.next = (state.next + 1) % state.calls.count
            return oldest
        }
        _ = oldest
    }
}
