import CPatchbay
import PatchbayPlugin

/// What `prepare` decided.
struct PreparedRequest: Equatable {
    var url = ""
    var method = "POST"
    /// nil = removed.
    var headers: [String: String?] = [:]
    var patches: [String: String?] = [:]
}

struct Refusal: Error, Equatable {
    var status: pb_status
    var sentence: String
}

/// A plugin behind its C records, used as the host uses it.
final class PluginUnderTest: @unchecked Sendable {  // immutable after init; the records may be called from any thread
    let module: UnsafePointer<pb_module>
    let host: FakeHost
    let instance: UnsafeMutableRawPointer
    private let plugin: UnsafePointer<pb_plugin>

    init(_ module: UnsafeRawPointer?, configuration: String = "{}", host: FakeHost = FakeHost()) throws(Refusal) {
        guard let module else { throw Refusal(status: -16, sentence: "The entry function returned NULL.") }
        self.module = module.assumingMemoryBound(to: pb_module.self)
        self.host = host
        plugin = self.module.pointee.plugins![0]!
        var made: UnsafeMutableRawPointer?
        let (status, sentence) = withSink { [plugin] sink in
            withText(configuration) { plugin.pointee.create(plugin, host.record, $0, &made, sink) }
        }
        guard status == 0, let made else { throw Refusal(status: status, sentence: sentence) }
        instance = made
    }

    deinit {
        plugin.pointee.destroy(instance)
    }

    func table<Table>(_ id: String, as type: Table.Type = Table.self) -> UnsafePointer<Table>? {
        id.withCString { plugin.pointee.get(plugin, $0) }?.assumingMemoryBound(to: Table.self)
    }

    // MARK: Data plane

    func prepare(
        format: String = "openai.chat", operation: String = "generate", baseURL: String, kind: String = "api_key",
        query: String? = nil, headers: [String: String] = [:], stream: Bool = false, upstreamModel: String = "model"
    ) throws(Refusal) -> PreparedRequest {
        let upstream = table(PB_UPSTREAM_ID, as: pb_upstream.self)!
        let builder = FakeBuilder()
        let lookup = HeaderTable(headers)
        let (status, sentence) = withSink { sink in
            withTexts([format, operation, baseURL, kind, query, upstreamModel]) { texts in
                var attempt = pb_attempt()
                attempt.size = UInt32(MemoryLayout<pb_attempt>.size)
                attempt.format = texts[0]
                attempt.operation = texts[1]
                attempt.base_url = texts[2]
                attempt.credential_kind = texts[3]
                attempt.query = texts[4]
                attempt.upstream_model = texts[5]
                if stream { attempt.flags = UInt32(PB_ATTEMPT_STREAM) }
                attempt.ctx = Unmanaged.passUnretained(lookup).toOpaque()
                attempt.header = { HeaderTable.at($0!.pointee.ctx).value($1) }
                return builder.withRecord { upstream.pointee.prepare(instance, &attempt, $0, sink) }
            }
        }
        guard status == 0 else { throw Refusal(status: status, sentence: sentence) }
        return builder.request
    }

    /// nil leaves the judgement to the host.
    func classify(
        status: UInt32, body: String = "", headers: [String: String] = [:], transport: Int = PB_TRANSPORT_NONE,
        bytesToClient: UInt64 = 0
    ) -> (verdict: pb_verdict, reason: String)? {
        let upstream = table(PB_UPSTREAM_ID, as: pb_upstream.self)!
        let lookup = HeaderTable(headers)
        var verdict = pb_verdict()
        verdict.size = UInt32(MemoryLayout<pb_verdict>.size)
        let (result, reason) = withSink { sink in
            withTexts(["openai.chat", "generate", body]) { texts in
                var outcome = pb_outcome()
                outcome.size = UInt32(MemoryLayout<pb_outcome>.size)
                outcome.http_status = status
                outcome.transport = UInt32(transport)
                outcome.format = texts[0]
                outcome.operation = texts[1]
                outcome.body = texts[2]
                outcome.bytes_to_client = bytesToClient
                outcome.ctx = Unmanaged.passUnretained(lookup).toOpaque()
                outcome.header = { HeaderTable.at($0!.pointee.ctx).value($1) }
                return upstream.pointee.classify(instance, &outcome, &verdict, sink)
            }
        }
        return result == 0 ? (verdict, reason) : nil
    }

    // MARK: Control plane

    /// Starts an operation; the status is what invoke returned.
    func start(_ operation: String, _ arguments: String, _ call: FakeCall) -> pb_status {
        let control = table(PB_CONTROL_ID, as: pb_control.self)!
        return withText(operation) { operation in
            withText(arguments) { control.pointee.invoke(instance, operation, $0, call.record) }
        }
    }

    func invoke(_ operation: String, _ arguments: String = #"{"base_url":"https://site.test"}"#) async -> CallEnding {
        let call = FakeCall()
        let status = start(operation, arguments, call)
        guard status >= 0 else { return .failure(code: status, message: "", httpStatus: 0, retryAfter: 0) }
        return await call.ending()
    }
}

/// Headers behind the accessor of an attempt or an outcome.
private final class HeaderTable {
    private let texts: [String: [CChar]]

    init(_ headers: [String: String]) {
        texts = headers.mapValues { $0.utf8.map { CChar(bitPattern: $0) } + [0] }
    }

    static func at(_ pointer: UnsafeMutableRawPointer?) -> HeaderTable {
        Unmanaged<HeaderTable>.fromOpaque(pointer!).takeUnretainedValue()
    }

    /// The array lives as long as the table and is never changed, so its address stays valid.
    func value(_ name: pb_str) -> pb_str {
        guard let text = texts[name.text] else { return pb_str() }
        return text.withUnsafeBufferPointer { pb_str(ptr: $0.baseAddress, len: UInt64($0.count - 1)) }
    }
}

/// Collects what prepare says.
private final class FakeBuilder {
    var request = PreparedRequest()

    func withRecord<Result>(_ body: (UnsafePointer<pb_request_builder>) -> Result) -> Result {
        var record = pb_request_builder()
        record.size = UInt32(MemoryLayout<pb_request_builder>.size)
        record.ctx = Unmanaged.passUnretained(self).toOpaque()
        record.set_url = { builder, url in
            FakeBuilder.at(builder).request.url = url.text
            return url.text.contains(" ") ? pb_status(PB_E_INVALID) : 0
        }
        record.set_method = { builder, method in
            FakeBuilder.at(builder).request.method = method.text
            return 0
        }
        record.set_header = { builder, name, value in
            FakeBuilder.at(builder).request.headers[name.text] = .some(value.optionalText)
            return 0
        }
        record.patch = { builder, pointer, json in
            FakeBuilder.at(builder).request.patches[pointer.text] = .some(json.optionalText)
            return 0
        }
        return body(&record)
    }

    private static func at(_ record: UnsafePointer<pb_request_builder>?) -> FakeBuilder {
        Unmanaged<FakeBuilder>.fromOpaque(record!.pointee.ctx).takeUnretainedValue()
    }
}

/// Calls `body` with a sink and returns its result and what was written.
func withSink<Result>(_ body: (UnsafePointer<pb_sink>) -> Result) -> (Result, String) {
    var bytes: [UInt8] = []
    let result = withUnsafeMutablePointer(to: &bytes) { target in
        var sink = pb_sink(
            ctx: UnsafeMutableRawPointer(target),
            write: { sink, bytes in
                sink!.pointee.ctx.assumingMemoryBound(to: [UInt8].self).pointee.append(contentsOf: bytes.bytes)
                return 0
            })
        return body(&sink)
    }
    return (result, String(decoding: bytes, as: UTF8.self))
}

/// Calls `body` with views of all texts.
func withTexts<Result>(_ texts: [String?], _ body: ([pb_str]) -> Result) -> Result {
    func step(_ rest: ArraySlice<String?>, _ views: [pb_str]) -> Result {
        guard let first = rest.first else { return body(views) }
        return withText(first) { step(rest.dropFirst(), views + [$0]) }
    }
    return step(texts[...], [])
}
