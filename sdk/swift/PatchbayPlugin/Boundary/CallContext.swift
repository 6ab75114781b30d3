import CPatchbay
import Dispatch
import Synchronization

/// What the kit knows about a call: its record until it has been ended, and the task that works on it.
///
/// The lock of `state` guards the record: it is touched only while pinned, and the call is ended when nobody holds a
/// pin.
final class CallContext: @unchecked Sendable {  // `record` is touched between pin and unpin only, guarded by `state`
    private struct State {
        var pins = 0
        var isOver = false
        var isCancelled = false
        var task: Task<Void, Never>?
        var ending: (@Sendable (UnsafePointer<pb_call>) -> Void)?

        mutating func takeEnding() -> (@Sendable (UnsafePointer<pb_call>) -> Void)? {
            defer { ending = nil }
            return ending
        }
    }

    private let record: UnsafePointer<pb_call>
    private let state = Mutex(State())
    let host: Host
    let arguments: StandardArguments
    let id: UInt64
    let traceID: String
    let deadline: UInt64

    init(_ record: UnsafePointer<pb_call>, host: Host, arguments: StandardArguments) {
        self.record = record
        self.host = host
        self.arguments = arguments
        id = record.pointee.id
        traceID = ByteView(record.pointee.trace_id).string
        deadline = record.pointee.deadline_ns
    }

    // MARK: Life

    /// Runs `body` with the record, or throws if the call has been ended.
    func pinned<Result>(
        _ body: (UnsafePointer<pb_call>) throws(PluginError) -> Result
    ) throws(PluginError) -> Result {
        let isAlive = state.withLock { state in
            if !state.isOver { state.pins += 1 }
            return !state.isOver
        }
        guard isAlive else { throw PluginError(.cancelled, "The call is over.") }
        defer { unpin() }
        return try body(record)
    }

    private func unpin() {
        let ending = state.withLock { state in
            state.pins -= 1
            return state.pins == 0 ? state.takeEnding() : nil
        }
        ending?(record)
    }

    /// Ends the call once, as soon as no service call is under way.
    func end(_ ending: @escaping @Sendable (UnsafePointer<pb_call>) -> Void) {
        let now = state.withLock { state -> (@Sendable (UnsafePointer<pb_call>) -> Void)? in
            guard !state.isOver else { return nil }
            state.isOver = true
            state.task = nil
            state.ending = ending
            return state.pins == 0 ? state.takeEnding() : nil
        }
        now?(record)
    }

    // MARK: Cancellation

    var isCancelled: Bool {
        if state.withLock({ $0.isCancelled }) { return true }
        return (try? pinned { $0.pointee.cancelled.map { cancelled in cancelled(record) != 0 } ?? false }) ?? true
    }

    func cancel() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }

    /// Remembers the task so that cancelling the call cancels it, also if that happened before.
    func attach(_ task: Task<Void, Never>) {
        let isCancelled = state.withLock { state in
            if !state.isOver { state.task = task }
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Asks the host to call ``cancel()`` when the caller withdraws.
    func listenForCancellation() {
        guard let register = record.pointee.on_cancel else { return }
        let user = Unmanaged.passRetained(self)
        let status = register(
            record, { Unmanaged<CallContext>.fromOpaque($0!).takeUnretainedValue().cancel() }, user.toOpaque(),
            { Unmanaged<CallContext>.fromOpaque($0!).release() })
        if status < 0 { user.release() }
    }

    // MARK: Blocking services

    /// Runs a service that may block on the kit's own thread, never on a thread of the concurrency pool.
    func blocking<Result: Sendable>(
        _ body: @escaping @Sendable (Host, UnsafePointer<pb_call>) throws(PluginError) -> Result
    ) async throws(PluginError) -> Result {
        let outcome: Swift.Result<Result, PluginError> = await withCheckedContinuation { continuation in
            blockingServices.async {
                do throws(PluginError) {
                    continuation.resume(
                        returning: .success(try self.pinned { call throws(PluginError) in try body(self.host, call) }))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try outcome.get()
    }
}

/// One thread per image for the host's blocking services; they answer from local storage and are short.
private let blockingServices = DispatchQueue(label: "patchbay.plugin.services")
