import Foundation
import PatchbayCore
import PatchbayHost
import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat

/// The bridge between streams and documents of the host, over the real codecs.
@Suite("Bridge between streams and documents")
struct BridgeTests {
    /// The codecs of the built images, loaded once.
    private static let codecs = Result { try LoadedCodecs() }

    private func withCodecs<Result>(_ body: ([String: FormatCodec]) throws -> Result) throws -> Result {
        try body(try Self.codecs.get().byName)
    }

    private var parameters: CodecParameters {
        var parameters = CodecParameters()
        parameters.requestID = "req1"
        parameters.createdSeconds = 1_763_690_000
        parameters.request = Array(
            #"{"canon":1,"operation":"generate","stream":{"on":true,"include_usage":true},"turns":[]}"#.utf8)
        return parameters
    }

    /// The document that the host folds a stream into, and what its tap saw.
    private func fold(
        _ stream: String, _ codec: FormatCodec, limit: Int = PatchbayHost.AnswerFold.defaultLimit
    ) throws -> (document: JSONValue, tap: StreamTap) {
        let decoder = try codec.openDecoder(parameters)
        let fold = PatchbayHost.AnswerFold(limit: limit)
        var tap = StreamTap()
        var output: [UInt8] = []
        for frame in TestFrame.all(stream) {
            try Array(frame.event.utf8).withUnsafeBytes { event in
                try Array(frame.data.utf8).withUnsafeBytes { data in
                    try decoder.frame(StreamFrame(event: event, data: data), to: fold, output: &output, tap: &tap)
                }
            }
        }
        try decoder.finish(.endOfStream, to: fold, output: &output, tap: &tap)
        #expect(output.isEmpty)
        return (try JSONValue(parsing: fold.document()), tap)
    }

    private func unfold(_ document: JSONValue, _ codec: FormatCodec) throws -> String {
        var output: [UInt8] = []
        let encoder = try codec.openEncoder(parameters)
        try document.serialised().withUnsafeBytes { try encoder.unfold($0, output: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    @Test("The host's fold of a stream is the fold that plugins make")
    func sameFold() throws {
        try withCodecs { codecs in
            for (name, codec) in codecs where ["chat", "messages"].contains(name) {
                let stream = try Fixture.text("turn/\(name).sse")
                let (document, tap) = try fold(stream, codec)
                #expect(tap.clean && tap.error == nil)
                let read = try CanonicalResponse(canonical: document)
                #expect(read.choices[0].parts.count == 4)
                let whole = try CanonicalResponse(canonical: try canonical(of: "turn/\(name).response.json", codec))
                #expect(read.choices[0].finish == whole.choices[0].finish)
                #expect(read.usage == whole.usage && read.id == whole.id && read.model == whole.model)
            }
        }
    }

    private func canonical(of file: String, _ codec: FormatCodec) throws -> JSONValue {
        var output: [UInt8] = []
        try Array(try Fixture.text(file).utf8).withUnsafeBytes {
            try codec.responseToCanonical($0, parameters, into: &output)
        }
        return try JSONValue(parsing: output)
    }

    @Test("What is unfolded and folded again is the same answer")
    func roundTrip() throws {
        try withCodecs { codecs in
            for seed in 0..<60 {
                var random = SeededRandom(seed: UInt64(seed))
                let response = RandomAnswer.make(&random)
                for codec in codecs.values { try checkRoundTrip(response, codec, seed) }
            }
        }
    }

    private func checkRoundTrip(_ response: CanonicalResponse, _ codec: FormatCodec, _ seed: Int) throws {
        var writer = JSONWriter()
        response.write(into: &writer)
        let (again, tap) = try fold(try unfold(try JSONValue(parsing: writer.bytes), codec), codec)
        #expect(tap.clean && tap.error == nil)
        let read = try CanonicalResponse(canonical: again)
        // An answer that says nothing says it in a text without characters, in some formats.
        let parts = read.choices.map { $0.parts.filter { $0.content != .text("") } }
        #expect(parts == response.choices.map(\.parts), "\(codec.format) \(seed)")
        #expect(read.choices.map(\.finish?.reason) == response.choices.map(\.finish?.reason))
        // Some formats say 0 where nothing is known.
        #expect(read.usage.input == response.usage.input && read.usage.output == response.usage.output)
        #expect((read.usage.cached ?? 0, read.usage.cacheWrite ?? 0, read.usage.reasoning ?? 0) == (0, 0, 0))
    }

    @Test("A cut stream is not clean at any frame", arguments: ["chat", "messages"])
    func cuts(name: String) throws {
        try withCodecs { codecs in
            let codec = try #require(codecs[name])
            let frames = try Fixture.text("turn/\(name).sse").components(separatedBy: "\n\n").filter { !$0.isEmpty }
            let words = ["finish_reason\":\"", "stop_reason\":\""]
            let finish = try #require(frames.firstIndex { frame in words.contains { frame.contains($0) } })
            for count in 0..<finish {
                let (_, tap) = try fold(frames.prefix(count).joined(separator: "\n\n") + "\n\n", codec)
                #expect(!tap.clean)
            }
        }
    }

    @Test("What is kept of a stream is bounded")
    func bounded() throws {
        try withCodecs { codecs in
            let codec = try #require(codecs["chat"])
            #expect(throws: PatchbayHost.PluginError.self) {
                _ = try fold(try Fixture.text("turn/chat.sse"), codec, limit: 200)
            }
        }
    }

    /// Runs deltas through a cutter into a fold; the text, the reason and whether it was cut.
    private func cut(_ deltas: [String], at stops: [String]) throws -> (text: String, reason: String, isCut: Bool) {
        try withCodecs { codecs in
            let codec = try #require(codecs["chat"])
            let fold = PatchbayHost.AnswerFold()
            let cutter = StopCutter(stops, next: fold)
            let decoder = try codec.openDecoder(parameters)
            var tap = StreamTap()
            var output: [UInt8] = []
            var frames = deltas.map { text in
                JSONValue.object([
                    "choices": [["index": 0, "delta": ["content": .string(text)], "finish_reason": .null]]
                ]).description
            }
            frames.append(Formats.chunk("{}", finish: "length"))
            for frame in frames {
                try Array(frame.utf8).withUnsafeBytes {
                    try decoder.frame(StreamFrame(data: $0), to: cutter, output: &output, tap: &tap)
                }
            }
            try decoder.finish(.endOfStream, to: cutter, output: &output, tap: &tap)
            let choice = try JSONValue(parsing: fold.document())["choices"]?[0]
            let text = (choice?["parts"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined()
            return (text, choice?["finish"]?["reason"]?.stringValue ?? "", cutter.isCut)
        }
    }

    @Test(
        "An answer ends before a stop sequence, however the deltas cut it",
        arguments: [
            ("one END two", ["END"], "one ", true), ("one EN two", ["END"], "one EN two", false),
            ("aaab", ["aab"], "a", true), ("xüy日z", ["日"], "xüy", true), ("abc", ["c", "b"], "a", true),
            ("ends with EN", ["END"], "ends with EN", false), ("ENEND", ["END"], "EN", true), ("END", ["END"], "", true),
        ])
    func stops(whole: String, stops: [String], expected: String, isCut: Bool) throws {
        for deltas in [[whole], whole.map { String($0) }]
            + whole.indices.map({ [String(whole[..<$0]), String(whole[$0...])] })
        {
            let result = try cut(deltas, at: stops)
            #expect(result.text == expected && result.isCut == isCut)
            #expect(result.reason == (isCut ? "stop_sequence" : "length"))
        }
        let document: JSONValue = [
            "choices": [
                [
                    "index": 0, "finish": ["reason": "length"],
                    "parts": [["k": "text", "text": .string(whole)], ["k": "text", "text": "more"]],
                ]
            ]
        ]
        let read = try JSONValue(parsing: StopCutter.cut(document.serialised(), at: stops))
        #expect(read["choices"]?[0]?["parts"]?.arrayValue?.count == (isCut ? 1 : 2))
        #expect(read["choices"]?[0]?["parts"]?[0]?["text"]?.stringValue == (isCut ? expected : whole))
    }

    @Test("A document that is no answer is refused")
    func noAnswer() throws {
        try withCodecs { codecs in
            for codec in codecs.values {
                #expect(throws: PatchbayHost.PluginError.self) { _ = try unfold(["canon": 1], codec) }
            }
        }
    }
}

private struct LoadedCodecs {
    private let registry: PluginRegistry
    let byName: [String: FormatCodec]

    init() throws {
        var codecs: [String: FormatCodec] = [:]
        registry = try BuiltImages.registry(of: [
            "format-anthropic-messages", "format-gemini", "format-openai-chat", "format-openai-responses",
        ])
        let formats: [String: WireFormat] = [
            "chat": .openAIChat, "messages": .anthropicMessages, "responses": .openAIResponses,
            "gemini": .geminiGenerate,
        ]
        for (name, format) in formats {
            let codec = try #require(registry.codec(for: format))
            codecs[name] = codec
        }
        byName = codecs
    }
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// Answers that every conversation format can say.
enum RandomAnswer {
    static func make(_ random: inout SeededRandom) -> CanonicalResponse {
        var response = CanonicalResponse()
        response.id = "answer-1"
        response.model = "model-x"
        response.usage = TokenCounts(input: Int.random(in: 1...9999, using: &random), output: 7)
        var choice = CanonicalChoice(index: 0)
        if Bool.random(using: &random) {
            choice.parts.append(CanonicalPart(.reasoning(CanonicalReasoning(text: text(&random)))))
        }
        if Bool.random(using: &random) { choice.parts.append(CanonicalPart(.text(text(&random)))) }
        let calls = Int.random(in: 0...3, using: &random)
        for number in 0..<calls {
            let arguments = JSONValue.object(["text": .string(text(&random)), "n": .int(number)]).description
            choice.parts.append(
                CanonicalPart(
                    .toolCall(CanonicalToolCall(id: "call_\(number)", name: "tool_\(number)", arguments: arguments))))
        }
        choice.finish = CanonicalFinish(calls > 0 ? .toolCalls : Bool.random(using: &random) ? .stop : .length)
        response.choices = [choice]
        return response
    }

    private static func text(_ random: inout SeededRandom) -> String {
        let words = ["a", " ", "ü", "\u{2028}", "\"", "\\", "{", "}", "👩🏽‍🚀", "\n", "word ", "日本", "<think>", "data: "]
        let count = Int.random(in: 1...12, using: &random)
        return "t" + (0..<count).map { _ in words.randomElement(using: &random) ?? "" }.joined()
    }
}
