import CPatchbay
import Synchronization

/// What a plugin sent through the HTTP service.
struct SentRequest: Sendable {
    var method: String
    var url: String
    var headers: [String: String]
    var body: String
    var flags: UInt32
}

/// What the fake peer answers.
struct FakeAnswer: Sendable {
    var error: pb_status = 0
    var status: UInt32 = 200
    var headers: [(String, String)] = []
    var body = ""

    static func json(_ body: String, status: UInt32 = 200, headers: [(String, String)] = []) -> FakeAnswer {
        FakeAnswer(status: status, headers: [("content-type", "application/json")] + headers, body: body)
    }
}

/// A host in the test: services with scripted answers, called through the C records as a real plugin would.
final class FakeHost: @unchecked Sendable {  // `record` never changes after init; everything else is in `state`
    struct State {
        var answers: [FakeAnswer] = []
        var requests: [SentRequest] = []
        var logLines: [String] = []
        var secrets: [String: String] = [:]
        var mayReveal = true
        var store: [String: (value: [UInt8], revision: UInt64)] = [:]
        var revision: UInt64 = 0
        var sleeps: [UInt64] = []
        /// Sends stay unanswered until the call is cancelled.
        var isSilent = false
        var lacksServices: Set<String> = []
        var waiting: [@Sendable () -> Void] = []
    }

    let state = Mutex(State())
    let record: UnsafeMutablePointer<pb_host>

    init(_ answers: FakeAnswer..., secrets: [String: String] = [:]) {
        record = .allocate(capacity: 1)
        record.initialize(to: pb_host())
        record.pointee.size = UInt32(MemoryLayout<pb_host>.size)
        record.pointee.abi_major = UInt16(PB_ABI_MAJOR)
        record.pointee.ctx = Unmanaged.passUnretained(self).toOpaque()
        record.pointee.get = { host, id in
            guard let host, let id, let name = String(validatingCString: id) else { return nil }
            return FakeHost.at(host).service(name)
        }
        state.withLock {
            $0.answers = answers
            $0.secrets = secrets
        }
    }

    deinit {
        record.deallocate()
    }

    static func at(_ record: UnsafePointer<pb_host>?) -> FakeHost {
        Unmanaged<FakeHost>.fromOpaque(record!.pointee.ctx).takeUnretainedValue()
    }

    var requests: [SentRequest] { state.withLock { $0.requests } }

    private func service(_ id: String) -> UnsafeRawPointer? {
        guard !state.withLock({ $0.lacksServices.contains(id) }) else { return nil }
        return switch id {
        case PB_LOG_ID: UnsafeRawPointer(FakeServices.log.pointer)
        case PB_HTTP_ID: UnsafeRawPointer(FakeServices.http.pointer)
        case PB_KV_ID: UnsafeRawPointer(FakeServices.store.pointer)
        case PB_SECRETS_ID: UnsafeRawPointer(FakeServices.secrets.pointer)
        case PB_CLOCK_ID: UnsafeRawPointer(FakeServices.clock.pointer)
        case PB_JSON_ID: UnsafeRawPointer(FakeServices.json.pointer)
        default: nil
        }
    }

    /// Records a request and gives the next answer; nil if the host stays silent.
    func take(_ request: pb_http_request) -> FakeAnswer? {
        let fields = UnsafeBufferPointer(start: request.headers, count: Int(request.header_count))
        let sent = SentRequest(
            method: request.method.text, url: request.url.text,
            headers: Dictionary(fields.map { ($0.name.text, $0.value.text) }) { $1 }, body: request.body.text,
            flags: request.flags)
        return state.withLock { state in
            state.requests.append(sent)
            if state.isSilent { return nil }
            if state.answers.isEmpty { return FakeAnswer(error: pb_status(PB_E_NETWORK)) }
            return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
        }
    }

    /// Lets everything that waits for cancellation go on.
    func cancelWaiting() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for run in waiting { run() }
    }
}

/// A pointer that the test promises to use well.
struct Unsafely<Pointer>: @unchecked Sendable {  // handed to one other thread, which is the only one to use it then
    let pointer: Pointer
}

extension pb_str {
    var text: String { String(decoding: bytes, as: UTF8.self) }

    var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(
            start: ptr.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) },
            count: ptr == nil ? 0 : Int(len))
    }

    /// nil for the absent view.
    var optionalText: String? { ptr == nil ? nil : text }
}

/// Calls `body` with a view of the text that is valid during the call; nil is absent.
func withText<Result>(_ text: String?, _ body: (pb_str) -> Result) -> Result {
    guard var text else { return body(pb_str()) }
    return text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) { body(pb_str(ptr: $0.baseAddress, len: UInt64($0.count))) }
    }
}
