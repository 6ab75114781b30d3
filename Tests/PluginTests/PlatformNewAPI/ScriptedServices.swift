import CPatchbay
import Glibc
import PatchbayPlugin
import Synchronization

/// The services of ``ScriptedHost``.
let hostTables = HostTables()

struct HostTables: @unchecked Sendable {  // pointers to records that never change
    let http = UnsafeMutablePointer<pb_http>.allocate(capacity: 1)
    let secrets = UnsafeMutablePointer<pb_secrets>.allocate(capacity: 1)
    let clock = UnsafeMutablePointer<pb_clock>.allocate(capacity: 1)
    let store = UnsafeMutablePointer<pb_kv>.allocate(capacity: 1)

    init() {
        http.initialize(to: pb_http())
        http.pointee.size = UInt32(MemoryLayout<pb_http>.size)
        http.pointee.send = { sendRequest($0, $2, $3, $4) }
        http.pointee.perform = { _, _, _, _, _ in pb_status(PB_E_DENIED) }
        secrets.initialize(to: pb_secrets())
        secrets.pointee.size = UInt32(MemoryLayout<pb_secrets>.size)
        secrets.pointee.exists = { host, _, name in
            ScriptedHost.at(host)?.state.withLock { $0.secrets[name.text] == nil ? 0 : 1 } ?? 0
        }
        secrets.pointee.reveal = { _, _, _, _ in pb_status(PB_E_DENIED) }
        clock.initialize(to: pb_clock())
        clock.pointee.size = UInt32(MemoryLayout<pb_clock>.size)
        clock.pointee.unix_ms = { ScriptedHost.at($0)?.state.withLock { $0.unixMilliseconds } ?? 0 }
        clock.pointee.monotonic_ns = { _ in 1 }
        clock.pointee.after = { _, _, _, _, _ in pb_status(PB_E_UNSUPPORTED) }
        store.initialize(to: pb_kv())
        store.pointee.size = UInt32(MemoryLayout<pb_kv>.size)
        store.pointee.get = { host, _, _, key, sink, revision in
            guard let value = ScriptedHost.at(host)?.state.withLock({ $0.entries[key.text] }) else {
                return pb_status(PB_E_NOT_FOUND)
            }
            revision?.pointee = 1
            return value.withUnsafeBufferPointer { sink?.pointee.write(sink, view($0)) ?? pb_status(PB_OK) }
        }
        store.pointee.put = { host, _, _, key, value, _, _ in
            let bytes = [UInt8](UnsafeRawBufferPointer(start: value.ptr, count: Int(value.len)))
            ScriptedHost.at(host)?.state.withLock { $0.entries[key.text] = bytes }
            return pb_status(PB_OK)
        }
        store.pointee.remove = { host, _, _, key in
            ScriptedHost.at(host)?.state.withLock { $0.entries[key.text] = nil }
            return pb_status(PB_OK)
        }
    }

    func table(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case PB_HTTP_ID: UnsafeRawPointer(http)
        case PB_SECRETS_ID: UnsafeRawPointer(secrets)
        case PB_CLOCK_ID: UnsafeRawPointer(clock)
        case PB_KV_ID: UnsafeRawPointer(store)
        default: nil
        }
    }
}

struct Delivery: @unchecked Sendable {  // used by one thread after the other
    let done: (UnsafeMutableRawPointer?, UnsafePointer<pb_http_response>?) -> Void
    let user: UnsafeMutableRawPointer?
}

private func sendRequest(
    _ host: UnsafePointer<pb_host>?, _ request: UnsafePointer<pb_http_request>?,
    _ done: (@convention(c) (UnsafeMutableRawPointer?, UnsafePointer<pb_http_response>?) -> Void)?,
    _ user: UnsafeMutableRawPointer?
) -> pb_status {
    guard let host = ScriptedHost.at(host), let request = request?.pointee, let done else {
        return pb_status(PB_E_INTERNAL)
    }
    let expandsBody = request.flags & UInt32(PB_HTTP_EXPAND_BODY) != 0
    let body = [UInt8](UnsafeRawBufferPointer(start: request.body.ptr, count: Int(request.body.len)))
    let headers = UnsafeBufferPointer(start: request.headers, count: Int(request.header_count)).map {
        ($0.name.text, host.expanded($0.value.text))
    }
    guard let url = host.expanded(request.url.text), headers.allSatisfy({ $0.1 != nil }),
        let filled = expandsBody ? host.expanded(String(decoding: body, as: UTF8.self)) : ""
    else { return pb_status(PB_E_NOT_FOUND) }
    let path = url.firstRange(of: "://").map { url[$0.upperBound...].drop { $0 != "/" } } ?? ""
    let sent = ScriptedHost.Sent(
        method: request.method.text, path: String(path), headers: headers.map { ($0.0, $0.1 ?? "") },
        body: expandsBody ? Array(filled.utf8) : body)
    let delivery = Delivery(done: { done($0, $1) }, user: user)
    onThread { deliver(host.perform(sent, url: url), to: delivery) }
    return pb_status(PB_PENDING)
}

/// Runs a body that blocks on a thread of its own: the shared pools are those that the simulated site needs.
func onThread(_ body: @escaping @Sendable () -> Void) {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body)).toOpaque()
    let status = pthread_create(
        &thread, nil,
        { work in
            work.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().body() }
            return nil
        }, work)
    precondition(status == 0, "no thread")
    pthread_detach(thread)
}

private func deliver(_ result: Result<SocketClient.Answer, ScriptedHost.Refused>, to delivery: Delivery) {
    var response = pb_http_response()
    response.size = UInt32(MemoryLayout<pb_http_response>.size)
    switch result {
    case .failure(let refused):
        response.error_code = refused.code
        delivery.done(delivery.user, &response)
    case .success(let answer):
        let texts = answer.headers.flatMap { [Array($0.name.utf8), Array($0.value.utf8)] }
        let buffers = texts.map { bytes in
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
            _ = copy.initialize(from: bytes)
            return UnsafeBufferPointer(start: copy.baseAddress, count: bytes.count)
        }
        defer { for buffer in buffers { buffer.baseAddress?.deallocate() } }
        let fields = stride(from: 0, to: buffers.count, by: 2).map {
            pb_field(name: view(buffers[$0]), value: view(buffers[$0 + 1]))
        }
        fields.withUnsafeBufferPointer { fields in
            answer.body.withUnsafeBufferPointer { body in
                response.status = UInt32(answer.status)
                response.headers = fields.baseAddress
                response.header_count = UInt32(fields.count)
                response.body = view(body)
                delivery.done(delivery.user, &response)
            }
        }
    }
}

private func view(_ bytes: UnsafeBufferPointer<UInt8>) -> pb_str {
    pb_str(ptr: UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self), len: UInt64(bytes.count))
}
