import CPatchbay
import Synchronization

/// How a call ended.
enum CallEnding: Sendable, Equatable {
    case result(String)
    case failure(code: pb_status, message: String, httpStatus: UInt32, retryAfter: UInt64)

    var result: String? {
        if case .result(let text) = self { return text }
        return nil
    }

    var code: pb_status? {
        if case .failure(let code, _, _, _) = self { return code }
        return nil
    }

    var message: String {
        if case .failure(_, let message, _, _) = self { return message }
        return ""
    }
}

/// A call made by the test, ended by the plugin.
final class FakeCall: @unchecked Sendable {  // `record` never changes after init; everything else is in `state`
    private struct State {
        var endings: [CallEnding] = []
        var waiter: CheckedContinuation<CallEnding, Never>?
        var isCancelled = false
        var listener: Unsafely<(@convention(c) (UnsafeMutableRawPointer?) -> Void, UnsafeMutableRawPointer?)>?
        var release: Unsafely<(@convention(c) (UnsafeMutableRawPointer?) -> Void, UnsafeMutableRawPointer?)>?
        var releases = 0
    }

    private let state = Mutex(State())
    let record: UnsafeMutablePointer<pb_call>

    init(mayBlock: Bool = false, deadline: UInt64 = 0) {
        record = .allocate(capacity: 1)
        record.initialize(to: pb_call())
        record.pointee.size = UInt32(MemoryLayout<pb_call>.size)
        record.pointee.flags = mayBlock ? UInt32(PB_CALL_MAY_BLOCK) : 0
        record.pointee.id = 7
        record.pointee.deadline_ns = deadline
        record.pointee.ctx = Unmanaged.passUnretained(self).toOpaque()
        record.pointee.cancelled = { call in FakeCall.at(call).state.withLock { $0.isCancelled ? 1 : 0 } }
        record.pointee.complete = { call, json in FakeCall.at(call).end(.result(json.text)) }
        record.pointee.fail = { call, error in
            let error = error!.pointee
            FakeCall.at(call).end(
                .failure(
                    code: error.code, message: error.message.text, httpStatus: error.http_status,
                    retryAfter: error.retry_after_ms))
        }
        record.pointee.on_cancel = { call, fn, user, release in
            FakeCall.at(call).state.withLock { state in
                guard state.listener == nil else { return pb_status(PB_E_CONFLICT) }
                state.listener = Unsafely(pointer: (fn!, user))
                state.release = release.map { Unsafely(pointer: ($0, user)) }
                return 0
            }
        }
    }

    deinit {
        record.deallocate()
    }

    static func at(_ record: UnsafePointer<pb_call>?) -> FakeCall {
        Unmanaged<FakeCall>.fromOpaque(record!.pointee.ctx).takeUnretainedValue()
    }

    /// How often complete or fail was called.
    var endings: [CallEnding] { state.withLock { $0.endings } }
    var releases: Int { state.withLock { $0.releases } }

    private func end(_ ending: CallEnding) {
        let waiter = state.withLock { state in
            state.endings.append(ending)
            defer { state.waiter = nil }
            return state.waiter
        }
        releaseListener()
        waiter?.resume(returning: ending)
    }

    /// As the host promises: once, when the listener can no longer run.
    private func releaseListener() {
        let release = state.withLock { state in
            defer { state.release = nil }
            if state.release != nil { state.releases += 1 }
            return state.release
        }
        if let release { release.pointer.0(release.pointer.1) }
    }

    func cancel() {
        let listener = state.withLock { state in
            state.isCancelled = true
            return state.release == nil ? nil : state.listener
        }
        if let listener { listener.pointer.0(listener.pointer.1) }
        releaseListener()
    }

    /// Waits until the plugin has ended the call.
    func ending() async -> CallEnding {
        await withCheckedContinuation { continuation in
            let ending = state.withLock { state in
                if state.endings.isEmpty { state.waiter = continuation }
                return state.endings.first
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }
}
