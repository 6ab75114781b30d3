internal import CCurl
internal import PatchbayCore

/// Control HTTP: one thread that drives all transfers through a libcurl multi handle.
///
/// Connections and cookie jars belong to that thread, so nothing of libcurl is shared between threads. The thread is
/// started by the first request.
final class HTTPDriver: @unchecked Sendable {
    private let settings: HTTPSettings
    private let agent: String
    private let lock = ConditionLock()
    // Guarded by `lock`.
    private var egress: EgressPolicy
    private var inbox: [HTTPTransfer] = []
    private var isRunning = false
    private var isStopped = false
    /// nil before the thread starts and after it has ended. Only `curl_multi_wakeup` is called on other threads.
    private var multi: UnsafeMutableRawPointer?
    // Only on the driver's thread.
    private var active: [UnsafeMutableRawPointer: HTTPTransfer] = [:]
    private var waiting: [HTTPTransfer] = []
    private var jars: [String: UnsafeMutableRawPointer] = [:]

    /// libcurl wants to be initialised once, before any other use.
    private static let isInitialised: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    init(settings: HTTPSettings, egress: EgressPolicy, version: String) {
        self.settings = settings
        self.egress = egress
        agent = "patchbay/\(version)"
    }

    /// Applies to connections that are opened from now on.
    func setEgress(_ policy: EgressPolicy) {
        lock.withLock { egress = policy }
    }

    /// Starts a request. `completion` is called exactly once, on the driver's thread; it must not block.
    func start(_ plan: HTTPPlan, completion: @escaping HTTPTransfer.Completion) -> HTTPTransfer {
        let egress = lock.withLock { self.egress }
        let transfer = HTTPTransfer(plan, egress: egress, settings: settings, agent: agent, completion: completion)
        let (accepted, needsThread) = lock.withLock { () -> (Bool, Bool) in
            guard !isStopped else { return (false, false) }
            if multi == nil, Self.isInitialised { multi = curl_multi_init() }
            guard let multi else { return (false, false) }
            inbox.append(transfer)
            curl_multi_wakeup(multi)
            defer { isRunning = true }
            return (true, !isRunning)
        }
        if !accepted { transfer.complete(.failure(PluginError(.unavailable, "The host is stopping."))) }
        if needsThread { HostThread.start(name: "pb-http") { [self] in run() } }
        return transfer
    }

    /// Gives a request up soon; its completion gets the code `cancelled` unless it was faster.
    func cancel(_ transfer: HTTPTransfer) {
        transfer.cancel()
        wake()
    }

    /// Ends the thread; requests in flight get the code `cancelled`.
    func stop() {
        lock.withLock {
            isStopped = true
            if let multi { curl_multi_wakeup(multi) }
        }
    }

    private func wake() {
        lock.withLock {
            if let multi { _ = curl_multi_wakeup(multi) }
        }
    }

    // MARK: - The thread

    private func run() {
        guard let multi = lock.withLock({ self.multi }) else { return }
        _ = patchbay_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, settings.connections)
        while true {
            let (arrived, stops) = lock.withLock { () -> ([HTTPTransfer], Bool) in
                defer { inbox = [] }
                return (inbox, isStopped)
            }
            waiting += arrived
            if stops { break }
            dropCancelled(multi)
            while active.count < settings.connections, !waiting.isEmpty { begin(waiting.removeFirst(), multi) }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            if finishTransfers(multi) { continue }
            curl_multi_poll(multi, nil, 0, 1000, nil)
        }
        shutDown(multi)
    }

    private func begin(_ transfer: HTTPTransfer, _ multi: UnsafeMutableRawPointer) {
        do throws(PluginError) {
            let handle = try transfer.configure(share: transfer.plan.jar.flatMap(jar))
            active[handle] = transfer
            guard curl_multi_add_handle(multi, handle) == CURLM_OK else {
                active[handle] = nil
                throw PluginError(.internalDefect, "libcurl did not accept a request.")
            }
        } catch {
            transfer.complete(.failure(error))
        }
    }

    /// - Returns: whether something finished, so that there may be room for more.
    private func finishTransfers(_ multi: UnsafeMutableRawPointer) -> Bool {
        var any = false
        var code = CURLE_OK
        while let handle = patchbay_curl_finished(multi, &code) {
            any = true
            guard let transfer = remove(handle, multi) else { continue }
            do throws(PluginError) {
                if let answer = try transfer.finish(code) {
                    transfer.complete(.success(answer))
                } else {
                    begin(transfer, multi)
                }
            } catch {
                transfer.complete(.failure(error))
            }
        }
        return any
    }

    private func remove(_ handle: UnsafeMutableRawPointer, _ multi: UnsafeMutableRawPointer) -> HTTPTransfer? {
        curl_multi_remove_handle(multi, handle)
        return active.removeValue(forKey: handle)
    }

    private func dropCancelled(_ multi: UnsafeMutableRawPointer) {
        let cancelled = PluginError(.cancelled, "The call was cancelled.")
        for (handle, transfer) in active where transfer.isCancelled {
            _ = remove(handle, multi)
            transfer.complete(.failure(cancelled))
        }
        for transfer in waiting where transfer.isCancelled { transfer.complete(.failure(cancelled)) }
        waiting.removeAll { $0.isCancelled }
    }

    private func shutDown(_ multi: UnsafeMutableRawPointer) {
        for transfer in active.values { transfer.cancel() }
        for transfer in waiting { transfer.cancel() }
        dropCancelled(multi)
        for share in jars.values { curl_share_cleanup(share) }
        jars = [:]
        lock.withLock { self.multi = nil }
        curl_multi_cleanup(multi)
    }

    /// The cookies of an account, in memory only. Used by this thread alone, so the share needs no lock functions.
    private func jar(_ account: String) -> UnsafeMutableRawPointer? {
        if let share = jars[account] { return share }
        guard let share = curl_share_init() else { return nil }
        _ = patchbay_curl_share_cookies(share)
        jars[account] = share
        return share
    }
}
