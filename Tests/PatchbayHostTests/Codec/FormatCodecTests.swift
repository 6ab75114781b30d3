import PatchbayCore
import Testing

@testable import PatchbayHost

struct FormatCodecTests {
    private let workshop: Workshop
    private let registry: PluginRegistry
    private let codec: FormatCodec
    private var parameters = CodecParameters()

    init() throws {
        workshop = try Workshop()
        try workshop.build(
            manifest: Workshop.manifest(kinds: "\"format\"", #","formats":[{"id":"test.format","framing":"sse"}]"#),
            codec: true)
        registry = try workshop.registry()
        registry.scan()
        codec = try #require(registry.codec(for: WireFormat(rawValue: "test.format")))
        parameters.upstreamModel = "up"
        parameters.requestID = "r-1"
    }

    private typealias Conversion = (UnsafeRawBufferPointer, CodecParameters, inout [UInt8]) throws -> Void

    private func convert(_ text: String, _ conversion: Conversion) throws -> String {
        var output = Array(">".utf8)
        try Array(text.utf8).withUnsafeBytes { try conversion($0, parameters, &output) }
        return output.text
    }

    @Test func registersItsFormat() {
        #expect(registry.formats.map(\.rawValue) == ["test.format"])
        #expect(codec.framing == .sse)
        #expect(registry.codec(for: .openAIChat) == nil)
        #expect(codec.heartbeat().text == ": ping\n\n")
    }

    @Test func convertsDocumentsEachWayAndAppends() throws {
        #expect(try convert("{}") { try codec.requestToCanonical($0, $1, into: &$2) } == ">qup{}")
        #expect(try convert("{}") { try codec.requestFromCanonical($0, $1, into: &$2) } == ">Qup{}")
        #expect(try convert("{}") { try codec.responseToCanonical($0, $1, into: &$2) } == ">sup{}")
        #expect(try convert("{}") { try codec.responseFromCanonical($0, $1, into: &$2) } == ">Sup{}")
        #expect(try convert("{}") { try codec.errorToCanonical(status: 503, $0, $1, into: &$2) } == ">503:{}")
        let (status, body) = try Array("{}".utf8).withUnsafeBytes { try codec.errorFromCanonical($0, parameters) }
        #expect(status == 429)
        #expect(body.text == "{}")
    }

    @Test func passesOnTheSentenceOfTheCodec() {
        #expect(throws: PluginError(.invalid, "The field model is missing.")) {
            try convert("bad") { try codec.requestToCanonical($0, $1, into: &$2) }
        }
    }

    @Test func collectsLossesOnce() throws {
        var parameters = parameters
        let losses = LossLedger()
        parameters.losses = losses
        parameters.strict = true
        for _ in 0..<2 {
            #expect(throws: PluginError(.unsupported, "The plugin exerciser failed to read the request (unsupported)."))
            {
                var output: [UInt8] = []
                try codec.requestToCanonical(UnsafeRawBufferPointer(start: nil, count: 0), parameters, into: &output)
            }
        }
        #expect(
            losses.losses == [
                ConversionLoss(severity: .degrade, code: "sampling.top_k", path: "/top_k"),
                ConversionLoss(severity: .semantic, code: "tools.server", path: "/tools/0"),
            ])
        #expect(losses.worst == .semantic)
    }

    @Test func readsUsageFromACompleteAnswer() throws {
        var tap = StreamTap()
        try Array("{}".utf8).withUnsafeBytes { try codec.responseTap($0, parameters, into: &tap) }
        #expect(tap.usage == TokenUsage(input: 7, output: 3))
        #expect(tap.model == "model-x")
        #expect(tap.events == 2)
        #expect(throws: PluginError(.invalid, "The field choices is missing.")) {
            try Array("bad".utf8).withUnsafeBytes { try codec.responseTap($0, parameters, into: &tap) }
        }
    }

    // MARK: - Streams

    /// Frames that all belong to one read, or one read each.
    private func run(
        _ frames: [String], batched: Bool, end: StreamEnd = .endOfStream, encode: Bool = true
    ) throws -> (output: String, tap: StreamTap) {
        let decoder = try codec.openDecoder(parameters)
        let encoder = encode ? try codec.openEncoder(parameters) : nil
        var output: [UInt8] = []
        var tap = StreamTap()
        let texts = frames.map(StableBytes.init)
        let views = texts.map { StreamFrame(data: $0.view) }
        if batched {
            try views.withUnsafeBufferPointer { try decoder.frames($0, to: encoder, output: &output, tap: &tap) }
        } else {
            for view in views { try decoder.frame(view, to: encoder, output: &output, tap: &tap) }
        }
        try decoder.finish(end, to: encoder, output: &output, tap: &tap)
        try decoder.finish(end, to: encoder, output: &output, tap: &tap)
        withExtendedLifetime(texts) {}
        return (output.text, tap)
    }

    @Test("events pass from decoder to encoder and the tap sees them all", arguments: [true, false])
    func piping(batched: Bool) throws {
        let (output, tap) = try run(["Hel", "lo", "usage 5", "finish"], batched: batched)
        #expect(output == "[1][3]Hel[3]lo[7][6]finish[10]")
        #expect(tap.usage == TokenUsage(output: 5))
        #expect(tap.model == "model-y")
        #expect(tap.sawContent)
        #expect(tap.finished)
        #expect(tap.finishReason == .length)
        #expect(tap.ended)
        #expect(tap.clean)
        #expect(tap.error == nil)
    }

    @Test func anErrorInTheStreamIsNoContent() throws {
        let (output, tap) = try run(["error"], batched: true, end: .cut)
        #expect(output == "[1][8]busy[10]")
        #expect(tap.error == StreamErrorInfo(category: .overloaded, message: "busy"))
        #expect(!tap.sawContent)
        #expect(tap.ended)
        #expect(!tap.clean)
    }

    @Test func withoutEncoderEventsAreOnlyTapped() throws {
        let (output, tap) = try run(["x", "usage 2"], batched: true, encode: false)
        #expect(output == "")
        #expect(tap.usage.output == 2)
        #expect(tap.events == 6)
    }

    @Test func recordsOfOtherVersionsAreSteppedByTheirOwnSize() throws {
        let (output, tap) = try run(["small", "x"], batched: true)
        #expect(output == "[1][3]<small>[3]x[10]")
        #expect(tap.sawContent)
    }

    @Test func aFailingEncoderStopsTheStream() {
        #expect(throws: PluginError(.internalDefect, "The encoder of the stream failed (internal).")) {
            try run(["explode"], batched: true)
        }
    }

    @Test func anErrorOfTheHostIsWrittenInTheFormatsForm() throws {
        let encoder = try codec.openEncoder(parameters)
        var output = Array(">".utf8)
        try encoder.fail(StreamErrorInfo(category: .truncated, message: "The upstream broke off."), output: &output)
        #expect(output.text == ">[8]The upstream broke off.[10]")
    }

    @Test func aNewGenerationReplacesTheCodec() throws {
        let old = codec
        try workshop.build(
            manifest: Workshop.manifest(kinds: "\"format\"", #","formats":[{"id":"test.other"}]"#), codec: true)
        registry.scan()
        #expect(registry.formats.map(\.rawValue) == ["test.other"])
        #expect(old.generation == 1)
        #expect(old.heartbeat().text == ": ping\n\n")
    }
}
