import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting
import PatchbayUpstream
import PatchbayWire

/// What is different where the path, not the body, names the model: the Gemini API.
extension Exchange {
    // MARK: - Request

    /// The fields that routing needs, from the body or, for Gemini, from the path.
    func scannedFields() throws(GatewayError) -> RequestFields {
        guard case .gemini(let method) = endpoint else {
            if let task = endpoint?.task { return try taskFields(task) }
            return try RequestFields(scanning: body, with: &loop.fieldScanner)
        }
        if method == .stream, !asksForEvents { arrayFraming = ArrayFraming() }
        return try RequestFields(
            model: try pathModel(), stream: method == .stream, scanning: body, with: &loop.fieldScanner)
    }

    /// The name of the model in the path.
    func pathModel() throws(GatewayError) -> String {
        let name: String? = connection.headBytes.withUnsafeReadableBytes { bytes in
            let path = connection.head.path.bytes(in: bytes)
            guard let range = GeminiPath(path)?.model, !range.isEmpty, range.count <= 512 else { return nil }
            return PercentEncoding.decoded(path[range])
        }
        guard let name, !name.isEmpty else {
            throw .invalid("the path has to name a model of at most 512 bytes", parameter: "model")
        }
        return name
    }

    /// Whether a stream shall be events (`alt=sse`); without it the API answers one array.
    private var asksForEvents: Bool {
        queryValue("alt").map { $0.elementsEqual("sse".utf8) } ?? false
    }

    /// The value of a member of the query, as it is escaped there.
    private func queryValue(_ name: StaticString) -> [UInt8]? {
        guard let query = connection.head.query else { return nil }
        return connection.headBytes.withUnsafeReadableBytes { bytes in
            for pair in query.bytes(in: bytes).split(separator: UInt8(ascii: "&")) {
                let pair = UnsafeRawBufferPointer(rebasing: pair)
                let size = name.utf8CodeUnitCount
                guard pair.count > size, pair[size] == UInt8(ascii: "="), pair.hasPrefix(name) else { continue }
                return Array(pair[(size + 1)...])
            }
            return nil
        }
    }

    // MARK: - Keys

    /// Clients of Gemini may put the key into the query; it goes no further than this.
    func keyOfQuery(_ sawCredential: inout Bool) -> GatewayKey? {
        guard dialect == .gemini, let value = queryValue("key").flatMap(PercentEncoding.decoded), !value.isEmpty else {
            return nil
        }
        sawCredential = true
        var text = value
        return text.withUTF8 { snapshot.keys[Exchange.digest(UnsafeRawBufferPointer($0))] }
    }

    // MARK: - Bodies

    /// A body that repeats the name of the model, with the name that the channel uses.
    func renamedBody(_ method: GeminiMethod, _ draft: RequestDraft) throws -> ByteBuffer {
        var document = try body.withUnsafeReadableBytes { raw throws(JSONError) in try JSONValue(parsing: raw) }
        let name = JSONValue.string("models/" + attempt.upstreamModel)
        if document["model"] != nil { document["model"] = name }
        if document["generateContentRequest"]?["model"] != nil { document["generateContentRequest"]?["model"] = name }
        if let requests = document["requests"]?.arrayValue {
            document["requests"] = .array(
                requests.map { request in
                    var request = request
                    if request["model"] != nil { request["model"] = name }
                    return request
                })
        }
        guard !draft.patches.isEmpty else { return ByteBuffer(bytes: document.serialised()) }
        var patched: [UInt8] = []
        try document.serialised().withUnsafeBytes {
            try JSONPatch.apply(draft.patchOperations(), to: $0, into: &patched)
        }
        return ByteBuffer(bytes: patched)
    }

    // MARK: - Streams that come as an array

    /// Takes the elements of an array as if they were the data of events.
    func arrayBytes(_ bytes: ByteBuffer) {
        var events: [UInt8] = []
        do {
            try bytes.withUnsafeReadableBytes { raw throws(JSONArraySplitter.Failure) in
                try attempt.arraySplitter?.feed(raw) { element in
                    // Elements may have line ends inside, which events do not.
                    let line = (try? JSONValue(parsing: element))?.serialised() ?? Array(element)
                    events.append(contentsOf: "data: ".utf8)
                    events.append(contentsOf: line.lazy.filter { $0 != 0x0A && $0 != 0x0D })
                    events.append(contentsOf: "\r\n\r\n".utf8)
                }
            }
        } catch {
            dropUpstream()
            return attemptFailed(.transport(.protocolViolation, sentence: "the upstream's stream is malformed"))
        }
        var output: [UInt8] = []
        var splitter = SSEFrameSplitter(maxFrameBytes: 65 << 20)
        events.withUnsafeBytes { raw in
            var position = 0
            while let frame = try? splitter.next(in: raw, at: &position) { take(frame, into: &output) }
        }
        deliver(output)
    }

    // MARK: - Answers of the gateway's own

    /// No channel can be asked: tokens are estimated, everything else is refused.
    func answerUnserved(_ method: GeminiMethod) throws(GatewayError) {
        guard method == .countTokens else {
            throw GatewayError(
                .noChannel, "no channel serves embeddings of the model \"\(fields.model)\" in the Gemini format",
                status: 501)
        }
        let tokens = body.withUnsafeReadableBytes { TokenEstimate.body($0) }
        answer(Array("{\"totalTokens\":\(tokens)}".utf8), warning: "usage.estimated;info")
    }
}
