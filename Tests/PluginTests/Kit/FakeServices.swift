import CPatchbay
import Synchronization
import Dispatch

/// The tables of the fake host.
enum FakeServices {
    struct Table<Record>: @unchecked Sendable {  // never changed after init
        let pointer: UnsafeMutablePointer<Record>

        init(_ record: Record) {
            pointer = .allocate(capacity: 1)
            pointer.initialize(to: record)
        }
    }

    static let log = Table(
        pb_log(
            size: UInt32(MemoryLayout<pb_log>.size), minimum_level: UInt32(PB_LOG_INFO),
            write: { host, level, message, fields, count in
                let fields = UnsafeBufferPointer(start: fields, count: Int(count))
                let line = ([message.text] + fields.map { "\($0.name.text)=\($0.value.text)" }).joined(separator: " ")
                FakeHost.at(host).state.withLock { $0.logLines.append("\(level) \(line)") }
            }))

    static let http = Table(
        pb_http(
            size: UInt32(MemoryLayout<pb_http>.size), reserved: 0,
            send: { host, call, request, done, user in
                let fake = FakeHost.at(host)
                let finish = Unsafely(pointer: (done!, user))
                guard let answer = fake.take(request!.pointee) else {
                    fake.state.withLock { state in
                        state.waiting.append {
                            deliver(FakeAnswer(error: pb_status(PB_E_CANCELLED))) {
                                finish.pointer.0(finish.pointer.1, $0)
                            }
                        }
                    }
                    return pb_status(PB_PENDING)
                }
                DispatchQueue.global().async { deliver(answer) { finish.pointer.0(finish.pointer.1, $0) } }
                return pb_status(PB_PENDING)
            },
            perform: { host, call, request, with, user in
                guard call!.pointee.flags & UInt32(PB_CALL_MAY_BLOCK) != 0 else { return pb_status(PB_E_DENIED) }
                let answer = FakeHost.at(host).take(request!.pointee) ?? FakeAnswer(error: pb_status(PB_E_CANCELLED))
                deliver(answer) { with!(user, $0) }
                return answer.error
            }))

    private static func deliver(_ answer: FakeAnswer, _ body: (UnsafePointer<pb_http_response>) -> Void) {
        let joined = answer.headers.map { $0.0 + $0.1 }.joined()
        withText(joined) { text in
            var offset = 0
            func next(_ count: Int) -> pb_str {
                defer { offset += count }
                return pb_str(ptr: text.ptr.map { $0 + offset }, len: UInt64(count))
            }
            let fields = answer.headers.map { field in
                let name = next(field.0.utf8.count)
                return pb_field(name: name, value: next(field.1.utf8.count))
            }
            fields.withUnsafeBufferPointer { headers in
                withText(answer.body) { content in
                    var response = pb_http_response()
                    response.size = UInt32(MemoryLayout<pb_http_response>.size)
                    response.error_code = answer.error
                    if answer.error == 0 {
                        response.status = answer.status
                        response.headers = headers.baseAddress
                        response.header_count = UInt32(headers.count)
                        response.body = content
                    }
                    body(&response)
                }
            }
        }
    }

    static let store = Table(
        pb_kv(
            size: UInt32(MemoryLayout<pb_kv>.size), reserved: 0,
            get: { host, _, scope, key, value, revision in
                let found = FakeHost.at(host).state.withLock { $0.store["\(scope)/\(key.text)"] }
                guard let found else { return pb_status(PB_E_NOT_FOUND) }
                revision?.pointee = found.revision
                return withText(String(decoding: found.value, as: UTF8.self)) { value!.pointee.write(value, $0) }
            },
            put: { host, _, scope, key, value, _, expected in
                let name = "\(scope)/\(key.text)"
                let bytes = Array(value.bytes)
                return FakeHost.at(host).state.withLock { state in
                    let current = state.store[name]?.revision ?? 0
                    guard expected == .max || expected == current else { return pb_status(PB_E_CONFLICT) }
                    state.revision += 1
                    state.store[name] = (bytes, state.revision)
                    return 0
                }
            },
            remove: { host, _, scope, key in
                FakeHost.at(host).state.withLock { state in
                    state.store["\(scope)/\(key.text)"] = nil
                    return 0
                }
            }))

    static let secrets = Table(
        pb_secrets(
            size: UInt32(MemoryLayout<pb_secrets>.size), reserved: 0,
            exists: { host, _, name in FakeHost.at(host).state.withLock { $0.secrets[name.text] == nil ? 0 : 1 } },
            reveal: { host, _, name, sink in
                let (mayReveal, secret) = FakeHost.at(host).state.withLock { ($0.mayReveal, $0.secrets[name.text]) }
                guard mayReveal else { return pb_status(PB_E_DENIED) }
                guard let secret else { return pb_status(PB_E_NOT_FOUND) }
                return withText(secret) { sink!.pointee.write(sink, $0) }
            }))

    static let clock = Table(
        pb_clock(
            size: UInt32(MemoryLayout<pb_clock>.size), reserved: 0, unix_ms: { _ in 1_786_000_000_000 },
            monotonic_ns: { _ in 5_000_000_000 },
            after: { host, _, delay, fn, user in
                let fake = FakeHost.at(host)
                let finish = Unsafely(pointer: (fn!, user))
                fake.state.withLock { $0.sleeps.append(delay) }
                if fake.state.withLock({ $0.isSilent }) {
                    fake.state.withLock { state in state.waiting.append { finish.pointer.0(finish.pointer.1) } }
                } else {
                    DispatchQueue.global().async { finish.pointer.0(finish.pointer.1) }
                }
                return 0
            }))
}
