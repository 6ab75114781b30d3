internal import CPatchbay
internal import PatchbayCore
internal import Synchronization

/// A call that was started with ``PluginInstance/invoke(_:arguments:account:timeoutMilliseconds:traceID:completion:)``.
package struct PluginCall: Sendable {
    fileprivate let call: PendingCall?

    /// Answers the caller with the code `cancelled`, unless it has been answered, and asks the plugin to give up.
    package func cancel() {
        call?.withdraw(PluginError(.cancelled, "The call was cancelled."))
    }
}

extension PluginInstance {
    /// Time for an operation when neither caller nor manifest says, in milliseconds.
    package static let standardTimeout = 60_000

    /// Starts a control operation. Never blocks.
    ///
    /// The host adds `base_url` and `account` to the arguments. After the time-out the caller gets the code `timeout`,
    /// whatever the plugin does.
    ///
    /// - Parameters:
    ///   - arguments: a JSON object; empty = `{}`.
    ///   - timeoutMilliseconds: nil = what the manifest says for the operation.
    ///   - completion: called exactly once, on a host thread; it must not block.
    @discardableResult
    package func invoke(
        _ operation: String, arguments: [UInt8] = [], account: AccountContext? = nil, timeoutMilliseconds: Int? = nil,
        traceID: String = "", completion: @escaping @Sendable (Result<[UInt8], PluginError>) -> Void
    ) -> PluginCall {
        let declared = plugin.manifest.operation(named: operation)
        guard let declared, let invoke = plugin.module.control?.invoke else {
            let error = PluginError(.unsupported, "The plugin \(pluginID) has no operation \"\(operation)\".")
            plugin.runtime.timer.soon { completion(.failure(error)) }
            return PluginCall(call: nil)
        }
        let timeout = max(timeoutMilliseconds ?? declared.timeout ?? Self.standardTimeout, 1)
        let deadline = SystemTime.monotonicNanoseconds() + Int64(min(timeout, 1 << 40)) * 1_000_000
        let call = PendingCall(
            operation: operation, instance: self, account: account, deadline: deadline,
            mayBlock: declared.mode == .blocking, traceID: traceID, completion: completion)
        plugin.runtime.timer.schedule(at: deadline) { [weak call, runtime = plugin.runtime] in
            call?.withdraw(
                runtime.isStopping
                    ? Self.stopping
                    : PluginError(.timeout, "The operation \(operation) was not finished within \(timeout) ms."))
        }
        submit(call, invoke, arguments)
        return PluginCall(call: call)
    }

    private static let stopping = PluginError(.unavailable, "The host is stopping.")

    private func submit(_ call: PendingCall, _ invoke: @escaping Invoke, _ arguments: [UInt8]) {
        plugin.statistics.calls.add(1, ordering: .relaxed)
        let admission = plugin.runtime.pool.submit(to: plugin.lane) { [self] in run(call, invoke, arguments) }
        guard admission != .accepted else { return }
        plugin.statistics.refusedCalls.add(1, ordering: .relaxed)
        let error =
            admission == .stopped
            ? Self.stopping
            : PluginError(
                .unavailable, "The plugin \(pluginID) has \(plugin.lane.bound) calls waiting; no more are taken.")
        plugin.runtime.timer.soon { call.withdraw(error) }
    }

    /// Runs a control operation without blocking a thread; cancelling the task cancels the call.
    package func invoke(
        _ operation: String, arguments: [UInt8] = [], account: AccountContext? = nil, timeoutMilliseconds: Int? = nil,
        traceID: String = ""
    ) async throws(PluginError) -> [UInt8] {
        let bridge = CallBridge()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let call = invoke(
                    operation, arguments: arguments, account: account, timeoutMilliseconds: timeoutMilliseconds,
                    traceID: traceID
                ) { continuation.resume(returning: $0) }
                bridge.started(call)
            }
        } onCancel: {
            bridge.cancel()
        }
        return try result.get()
    }

    private typealias Invoke =
        @convention(c) (
            UnsafeMutableRawPointer?, pb_str, pb_str, UnsafePointer<pb_call>?
        ) -> pb_status

    /// On a worker thread.
    private func run(_ call: PendingCall, _ invoke: Invoke, _ arguments: [UInt8]) {
        let merged: [UInt8]
        do throws(PluginError) {
            merged = try CallDocument.arguments(arguments, site: site, account: call.account)
        } catch {
            call.withdraw(error)
            return
        }
        guard call.begin() else { return }
        var operation = call.operation
        let status = operation.withUTF8 { operation in
            merged.withUnsafeBytes { arguments in
                invoke(handle, pb_str(UnsafeRawBufferPointer(operation)), pb_str(arguments), call.record)
            }
        }
        switch status {
        case Status.pending:
            break
        case Status.ok:
            call.expectEnded()
        default:
            let code = PluginError.Code(status: status)
            let sentence =
                code == .unsupported
                ? "The plugin \(pluginID) does not support the operation \"\(call.operation)\"."
                : "The plugin \(pluginID) did not accept the operation \"\(call.operation)\" (\(code.name))."
            call.end(with: .failure(PluginError(code, sentence)))
        }
    }
}

/// Connects the cancellation of a task with a call that may not have been started yet.
private final class CallBridge: Sendable {
    private struct State {
        var call: PluginCall?
        var isCancelled = false
    }

    private let state = Locked(State())

    func started(_ call: PluginCall) {
        let cancels = state.withLock { state in
            state.call = call
            return state.isCancelled
        }
        if cancels { call.cancel() }
    }

    func cancel() {
        let call = state.withLock { state in
            state.isCancelled = true
            return state.call
        }
        call?.cancel()
    }
}
