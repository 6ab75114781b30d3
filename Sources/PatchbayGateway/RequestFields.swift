import NIOCore
import PatchbayWire

/// The few members of a request body that routing needs, found in one pass without building a tree.
struct RequestFields {
    /// Public model name as requested. The scan leaves it empty: where a route has the same name, its text is used.
    var model = ""
    var stream = false
    /// Where the value of `model` stands in the body, quotes included.
    private(set) var modelSpan: JSONSpan?
    /// The name holds escapes, so its bytes are not those of the body.
    private var modelIsEscaped = false
    /// What was found in a body of `multipart/form-data`; nil if the body is JSON.
    var form: FormFields?
    /// There is a member `input`, which not every format knows.
    private(set) var hasInput = false
    /// `stream_options` as it stands in the body.
    private(set) var streamOptions: JSONSpan?
    /// The most tokens that the answer may have; 0 where the request leaves it to the model.
    private(set) var answerLimit = 0

    init() {}

    /// Errors are those that the client can mend: no JSON object, no model, a field of the wrong type.
    ///
    /// - Parameter defaultModel: the model of a request that names none; nil = it has to name one.
    init(
        scanning body: ByteBuffer, with scanner: inout JSONFieldScanner, defaultModel: String? = nil
    ) throws(GatewayError) {
        if let defaultModel { model = defaultModel }
        do {
            try body.withUnsafeReadableBytes { bytes throws(RequestFieldsError) in try scan(bytes, &scanner) }
        } catch {
            switch error {
            case .json(let cause):
                throw .invalid("the request body is not a JSON object: \(cause.message) at byte \(cause.offset)")
            case .field(let name, let rule):
                throw .invalid("\"\(name)\" \(rule)", parameter: name)
            }
        }
    }

    /// The fields of a request whose path names the model and says whether to stream. The body has to be an object.
    init(
        model: String, stream: Bool, scanning body: ByteBuffer, with scanner: inout JSONFieldScanner
    ) throws(GatewayError) {
        self.model = model
        self.stream = stream
        do {
            try body.withUnsafeReadableBytes { bytes throws(JSONError) in try scanner.scan(bytes) }
        } catch {
            throw .invalid("the request body is not a JSON object: \(error.message) at byte \(error.offset)")
        }
        body.withUnsafeReadableBytes { readAnswerLimit(of: $0, scanner) }
    }

    private enum RequestFieldsError: Error {
        case json(JSONError)
        case field(String, String)
    }

    /// What the formats call the longest answer that the client wants: Chat Completions has two words for it, one of
    /// them that of Messages, then come Responses and Gemini, which has it one level deeper.
    private static let answerLimits: [StaticString] = ["max_tokens", "max_completion_tokens", "max_output_tokens"]
    private static let firstAnswerLimit = 4
    /// The members that this type looks at, in the order of what reads them.
    static var names: [StaticString] {
        ["model", "stream", "stream_options", "input"] + answerLimits + ["generationConfig"]
    }

    /// A scanner for the members that this type looks at; to be kept and used again.
    static var scanner: JSONFieldScanner { JSONFieldScanner(names, probe: probe) }
    private static let probe = JSONProbe(names.map { .value($0) })

    private mutating func scan(
        _ bytes: UnsafeRawBufferPointer, _ scanner: inout JSONFieldScanner
    ) throws(RequestFieldsError) {
        do {
            try scanner.scan(bytes)
        } catch {
            throw .json(error)
        }
        if let model = scanner[0], model.kind != .null {
            guard model.kind == .string else { throw .field("model", "has to be a string") }
            guard model.span.count <= 514 else { throw .field("model", "is longer than 512 bytes") }
            modelSpan = model.span
            modelIsEscaped = model.hasEscapes
            guard model.span.count > 2 else { throw .field("model", "is empty") }
        } else if model.isEmpty {
            throw .field("model", "is missing")
        }
        if let stream = scanner[1] {
            switch stream.kind {
            case .true: self.stream = true
            case .false, .null: break
            default: throw .field("stream", "has to be true or false")
            }
        }
        hasInput = scanner[3] != nil
        if let options = scanner[2], options.kind != .null {
            guard options.kind == .object else { throw .field("stream_options", "has to be an object") }
            streamOptions = options.span
        }
        readAnswerLimit(of: bytes, scanner)
    }

    private mutating func readAnswerLimit(of bytes: UnsafeRawBufferPointer, _ scanner: borrowing JSONFieldScanner) {
        let first = RequestFields.firstAnswerLimit
        let last = first + RequestFields.answerLimits.count
        for index in first..<last {
            if let field = scanner[index] { answerLimit = max(answerLimit, field.int(in: bytes) ?? 0) }
        }
        guard let options = scanner[last], options.kind == .object else { return }
        let found = try? JSONFieldScanner.scanTopLevel(options.bytes(in: bytes), names: ["maxOutputTokens"])
        answerLimit = max(answerLimit, found?.first??.int(in: options.bytes(in: bytes)) ?? 0)
    }

    /// Sets ``model`` from the body.
    mutating func readModel(of body: ByteBuffer) {
        guard let span = modelSpan else { return }
        model = body.withUnsafeReadableBytes { bytes in
            let raw = UnsafeRawBufferPointer(rebasing: bytes[span.range].dropFirst().dropLast())
            return JSONEscape.string(from: raw, hasEscapes: modelIsEscaped)
        }
    }

    /// Where the model's name stands in the body, without quotes; nil if it is not there as it is.
    @inline(__always)
    var plainModel: Range<Int>? {
        guard let modelSpan, !modelIsEscaped else { return nil }
        return modelSpan.range.lowerBound + 1..<modelSpan.range.upperBound - 1
    }

    /// Calls `use` with the model name as bytes, without making a string in the common case.
    func withModelBytes<Result, Failure: Error>(
        of body: ByteBuffer, _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if let span = modelSpan, !modelIsEscaped {
            return try body.withUnsafeReadableBytes { bytes throws(Failure) in
                try use(UnsafeRawBufferPointer(rebasing: bytes[span.range.lowerBound + 1..<span.range.upperBound - 1]))
            }
        }
        var copy = self
        copy.readModel(of: body)
        return try Array(copy.model.utf8).withBytes(use)
    }
}
