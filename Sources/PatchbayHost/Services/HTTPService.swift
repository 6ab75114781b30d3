internal import CPatchbay
internal import Logging

/// `patchbay.http/1` over ``HTTPDriver``.
enum HTTPService {
    static let table = StaticTable(
        pb_http(size: UInt32(MemoryLayout<pb_http>.size), reserved: 0, send: send, perform: perform))

    private typealias Receiver = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<pb_http_response>?) -> Void

    /// A plugin's function for the answer, with its argument.
    // Needs no lock: made once and handed to one thread, which only reads it.
    private struct Delivery: @unchecked Sendable {
        // The plugin promises that both may be used from any thread.
        let receiver: Receiver
        let user: UnsafeMutableRawPointer?

        func callAsFunction(_ result: Result<HTTPAnswer, PluginError>) {
            HTTPAnswer.withRecord(of: result) { receiver(user, $0) }
        }
    }

    private static let send:
        @convention(c) (
            UnsafePointer<pb_host>?, UnsafePointer<pb_call>?, UnsafePointer<pb_http_request>?, Receiver?,
            UnsafeMutableRawPointer?
        ) -> pb_status = { host, record, request, receiver, user in
            guard let context = InstanceContext.of(host), let request, let receiver else { return Status.invalid }
            guard let instance = context.instance else { return Status.denied }
            let runtime = context.runtime
            let call = PendingCall.of(record)
            let plan: HTTPPlan
            do throws(PluginError) {
                plan = try HTTPPlan(request, call: call, settings: runtime.services.http)
            } catch {
                context.logger.debug("plugin request refused", metadata: ["reason": "\(error.sentence)"])
                return error.code.rawValue
            }
            let delivery = Delivery(receiver: receiver, user: user)
            let transfer = runtime.http.start(plan) { result in
                // The instance stays until its function has returned.
                let deliver: @Sendable () -> Void = { withExtendedLifetime(instance) { delivery(result) } }
                if runtime.servicePool.submit(to: runtime.answers, deliver) != .accepted { runtime.timer.soon(deliver) }
            }
            call?.onWithdrawal { [weak transfer] in
                if let transfer { runtime.http.cancel(transfer) }
            }
            return Status.pending
        }

    private static let perform:
        @convention(c) (
            UnsafePointer<pb_host>?, UnsafePointer<pb_call>?, UnsafePointer<pb_http_request>?, Receiver?,
            UnsafeMutableRawPointer?
        ) -> pb_status = { host, record, request, receiver, user in
            guard let context = InstanceContext.of(host), let request, let receiver else { return Status.invalid }
            let result = perform(request, call: PendingCall.of(record), context)
            Delivery(receiver: receiver, user: user)(result)
            return switch result {
            case .success: Status.ok
            case .failure(let error): error.code.rawValue
            }
        }

    private static func perform(
        _ request: UnsafePointer<pb_http_request>, call: PendingCall?, _ context: InstanceContext
    ) -> Result<HTTPAnswer, PluginError> {
        guard let call, call.mayBlock else {
            return .failure(
                PluginError(
                    .denied, "perform may only be called by an operation whose mode in the manifest is blocking."))
        }
        let plan: HTTPPlan
        do throws(PluginError) {
            plan = try HTTPPlan(request, call: call, settings: context.runtime.services.http)
        } catch {
            return .failure(error)
        }
        let mailbox = Mailbox<Result<HTTPAnswer, PluginError>>()
        let driver = context.runtime.http
        let transfer = driver.start(plan) { mailbox.put($0) }
        call.onWithdrawal { [weak transfer] in
            if let transfer { driver.cancel(transfer) }
        }
        return mailbox.take()
    }
}

/// Hands one value from one host thread to another that waits for it.
private final class Mailbox<Value: Sendable>: @unchecked Sendable {
    private let lock = ConditionLock()
    // Guarded by `lock`.
    private var value: Value?

    func put(_ value: Value) {
        lock.withLock {
            self.value = value
            lock.signal()
        }
    }

    func take() -> Value {
        lock.withLock {
            while true {
                if let value { return value }
                lock.wait()
            }
        }
    }
}
