import CPatchbay
import Dispatch
import PatchbayPlugin
import PatchbayWire
import Synchronization

@testable import PlatformNewAPI

/// A host with one account, whose HTTP service really connects. It drives the plugin through its C tables.
final class ScriptedHost: @unchecked Sendable {  // the records never change; everything else is behind `state`
    struct State {
        var secrets: [String: String] = [:]
        var unixMilliseconds: UInt64 = 1_786_000_000_000
        var entries: [String: [UInt8]] = [:]
        /// Requests after the placeholders were filled in.
        var requests: [Sent] = []
        /// Answers to be given instead of asking the site, by "METHOD /path".
        var scripted: [String: SocketClient.Answer] = [:]
    }

    struct Sent: Sendable {
        var method: String
        var path: String
        var headers: [(String, String)]
        var body: [UInt8]

        func header(_ name: String) -> String? { headers.first { $0.0 == name }?.1 }
    }

    let state = Mutex(State())
    private let record = UnsafeMutablePointer<pb_host>.allocate(capacity: 1)
    private let instance: UnsafeMutableRawPointer
    private let control: UnsafePointer<pb_control>
    let upstream: UnsafePointer<pb_upstream>

    struct Refused: Error, Equatable {
        var code: pb_status
        var message: String
        var details: String
        var retryAfter: UInt64
        var httpStatus: UInt32
    }

    init(configuration: String = "{}") throws {
        record.initialize(to: pb_host())
        record.pointee.size = UInt32(MemoryLayout<pb_host>.size)
        record.pointee.abi_major = UInt16(PB_ABI_MAJOR)
        record.pointee.get = { host, id in id.flatMap { hostTables.table(String(cString: $0)) } }
        let entry = patchbay_entry_v1__platform_new_api(nil)
        guard let module = entry?.assumingMemoryBound(to: pb_module.self), let plugin = module.pointee.plugins.pointee
        else { throw Refused(code: 0, message: "no module", details: "", retryAfter: 0, httpStatus: 0) }
        var made: UnsafeMutableRawPointer?
        let status = withText(configuration) { [record] text in plugin.pointee.create(plugin, record, text, &made, nil)
        }
        guard status == PB_OK, let made else {
            throw Refused(code: status, message: "create", details: "", retryAfter: 0, httpStatus: 0)
        }
        instance = made
        guard let control = plugin.pointee.get(plugin, PB_CONTROL_ID),
            let upstream = plugin.pointee.get(plugin, PB_UPSTREAM_ID)
        else { throw Refused(code: 0, message: "no tables", details: "", retryAfter: 0, httpStatus: 0) }
        self.control = control.assumingMemoryBound(to: pb_control.self)
        self.upstream = upstream.assumingMemoryBound(to: pb_upstream.self)
        record.pointee.ctx = Unmanaged.passUnretained(self).toOpaque()
    }

    var instancePointer: UnsafeMutableRawPointer { instance }

    /// Runs an operation. The arguments get what the host of the product adds to them.
    func invoke(_ operation: String, _ arguments: JSONValue = .emptyObject) async throws -> JSONValue {
        let text = String(decoding: arguments.serialised(), as: UTF8.self)
        let result: Result<JSONValue, Refused> = await withCheckedContinuation { continuation in
            let waiting = Waiting(continuation)
            let pending = withText(operation) { name in
                withText(text) { control.pointee.invoke(instance, name, $0, waiting.record) }
            }
            if pending < 0 {
                waiting.end(
                    .failure(Refused(code: pending, message: "refused", details: "", retryAfter: 0, httpStatus: 0)))
            }
        }
        return try result.get()
    }

    static func at(_ host: UnsafePointer<pb_host>?) -> ScriptedHost? {
        host?.pointee.ctx.map { Unmanaged<ScriptedHost>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: HTTP

    func perform(_ request: Sent, url: String) -> Result<SocketClient.Answer, Refused> {
        let scripted = state.withLock { state in
            state.requests.append(request)
            return state.scripted[request.method + " " + request.path.split(separator: "?")[0]]
        }
        if let scripted { return .success(scripted) }
        guard let port = Int(url.drop { $0 != ":" }.dropFirst().drop { $0 != ":" }.dropFirst().prefix { $0.isNumber })
        else {
            return .failure(
                Refused(code: pb_status(PB_E_INVALID), message: url, details: "", retryAfter: 0, httpStatus: 0))
        }
        do {
            return .success(
                try SocketClient.exchange(
                    request.method, port: port, path: request.path,
                    headers: request.headers + [("accept-encoding", "gzip")], body: request.body))
        } catch {
            return .failure(
                Refused(code: pb_status(PB_E_NETWORK), message: "\(error)", details: "", retryAfter: 0, httpStatus: 0))
        }
    }

    /// Fills in `${secret:NAME}`; nil if a name does not exist.
    func expanded(_ text: String) -> String? {
        var rest = text[...]
        var result = ""
        while let start = rest.firstRange(of: "${secret:") {
            result += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}") else { return nil }
            guard let secret = state.withLock({ $0.secrets[String(rest[..<end])] }) else { return nil }
            result += secret
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }
}

/// The call record of one operation, and who waits for its end.
private final class Waiting: @unchecked Sendable {  // ended exactly once, by the plugin
    let record = UnsafeMutablePointer<pb_call>.allocate(capacity: 1)
    private let continuation: CheckedContinuation<Result<JSONValue, ScriptedHost.Refused>, Never>

    init(_ continuation: CheckedContinuation<Result<JSONValue, ScriptedHost.Refused>, Never>) {
        self.continuation = continuation
        record.initialize(to: pb_call())
        record.pointee.size = UInt32(MemoryLayout<pb_call>.size)
        record.pointee.ctx = Unmanaged.passRetained(self).toOpaque()
        record.pointee.cancelled = { _ in 0 }
        record.pointee.on_cancel = { _, _, _, _ in pb_status(PB_E_UNSUPPORTED) }
        record.pointee.complete = { call, result in
            let bytes = UnsafeRawBufferPointer(start: result.ptr, count: Int(result.len))
            Waiting.at(call)?.end(
                Result { try JSONValue(parsing: bytes) }.mapError { _ in
                    .init(code: 0, message: "no JSON", details: "", retryAfter: 0, httpStatus: 0)
                })
        }
        record.pointee.fail = { call, error in
            guard let error = error?.pointee else { return }
            Waiting.at(call)?.end(
                .failure(
                    .init(
                        code: error.code, message: error.message.text, details: error.details_json.text,
                        retryAfter: error.retry_after_ms, httpStatus: error.http_status)))
        }
    }

    static func at(_ call: UnsafePointer<pb_call>?) -> Waiting? {
        call?.pointee.ctx.map { Unmanaged<Waiting>.fromOpaque($0).takeRetainedValue() }
    }

    func end(_ result: Result<JSONValue, ScriptedHost.Refused>) {
        continuation.resume(returning: result)
    }
}
