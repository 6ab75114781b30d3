import Foundation
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat
import PatchbayPlugin

/// Files under Tests/Fixtures/formats.
enum Fixture {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/formats")

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func json(_ path: String) throws -> JSONValue {
        try JSONValue(parsing: text(path))
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path())
    }

    /// Names of the folders in a folder.
    static func cases(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: path).path()).sorted()
    }

    /// Compares with a golden file, or writes it if PATCHBAY_RECORD_GOLDEN is set.
    static func expect(_ value: JSONValue, equals path: String, _ location: SourceLocation = #_sourceLocation) throws {
        let shown = pretty(value)
        if ProcessInfo.processInfo.environment["PATCHBAY_RECORD_GOLDEN"] != nil {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(shown.utf8).write(to: file)
        }
        let expected = pretty(try json(path))
        guard shown != expected else { return }
        let pairs = zip(shown.split(separator: "\n"), expected.split(separator: "\n"))
        let difference = pairs.first { $0 != $1 }
        Issue.record(
            "\(path) differs: \(difference?.0 ?? "end") instead of \(difference?.1 ?? "end")", sourceLocation: location)
    }

    static func pretty(_ value: JSONValue) -> String {
        var text = ""
        append(value, "", &text)
        return text + "\n"
    }

    private static func append(_ value: JSONValue, _ indent: String, _ text: inout String) {
        let short = value.description
        let inner = indent + "  "
        switch value {
        case .object(let members) where short.utf8.count > 100:
            text += "{\n"
            for (index, member) in members.members.enumerated() {
                text += inner + JSONValue.string(member.key).description + ": "
                append(member.value, inner, &text)
                text += index + 1 < members.count ? ",\n" : "\n"
            }
            text += indent + "}"
        case .array(let items) where short.utf8.count > 100:
            text += "[\n"
            for (index, item) in items.enumerated() {
                text += inner
                append(item, inner, &text)
                text += index + 1 < items.count ? ",\n" : "\n"
            }
            text += indent + "]"
        default: text += short
        }
    }
}

extension JSONValue {
    /// The same document with the members of objects in the order of their names.
    var sorted: JSONValue {
        switch self {
        case .object(let members):
            let ordered = members.members.sorted { $0.key < $1.key }
            return .object(JSONObject(ordered.map { JSONObject.Member(key: $0.key, value: $0.value.sorted) }))
        case .array(let items): return .array(items.map(\.sorted))
        default: return self
        }
    }
}

/// A frame of a stream as a test writes it.
struct TestFrame: Sendable {
    var event = ""
    var data: String

    /// The frames of a stream in a file; the last one may be incomplete.
    static func all(_ stream: String) -> [TestFrame] {
        stream.replacingOccurrences(of: "\r\n", with: "\n").components(separatedBy: "\n\n").compactMap { block in
            var frame = TestFrame(data: "")
            for line in block.components(separatedBy: "\n") {
                if line.hasPrefix("event: ") { frame.event = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { frame.data = String(line.dropFirst(6)) }
            }
            return frame.data.isEmpty ? nil : frame
        }
    }
}

extension AnswerDecoder {
    mutating func take(_ frame: TestFrame) -> [AnswerEvent] {
        var events: [AnswerEvent] = []
        var name = frame.event
        var data = frame.data
        name.withUTF8 { name in
            data.withUTF8 { data in
                self.frame(event: UnsafeRawBufferPointer(name), data: UnsafeRawBufferPointer(data), into: &events)
            }
        }
        return events
    }

    mutating func takeAll(_ frames: [TestFrame], then ending: StreamEnd = .endOfStream) -> [AnswerEvent] {
        var events = frames.flatMap { take($0) }
        finish(ending, into: &events)
        return events
    }

    mutating func takeAll(data frames: [String], then ending: StreamEnd = .endOfStream) -> [AnswerEvent] {
        takeAll(frames.map { TestFrame(data: $0) }, then: ending)
    }
}

extension AnswerEncoder {
    mutating func text(_ events: [AnswerEvent]) -> String {
        var output: [UInt8] = []
        for event in events { encode(event, into: &output) }
        return String(decoding: output, as: UTF8.self)
    }
}

extension Array where Element == AnswerEvent {
    var folded: AnswerFold {
        var fold = AnswerFold()
        for event in self { fold.take(event) }
        return fold
    }

    var types: [EventType] { map(\.type) }
}

/// Short cuts to the two formats.
enum Formats {
    static func context(_ change: (inout ConversionContext) -> Void = { _ in }) -> ConversionContext {
        var context = ConversionContext()
        context.requestID = "req1"
        context.created = 1_763_690_000
        change(&context)
        return context
    }

    static func decodeChat(_ frames: [String], then ending: StreamEnd = .endOfStream) -> [AnswerEvent] {
        var decoder = ChatStreamDecoder(context())
        return decoder.takeAll(data: frames, then: ending)
    }

    static func decodeMessages(_ frames: [String], then ending: StreamEnd = .endOfStream) -> [AnswerEvent] {
        var decoder = MessagesStreamDecoder(context())
        return decoder.takeAll(data: frames, then: ending)
    }

    /// A chunk with one delta.
    static func chunk(_ delta: String, finish: String? = nil, index: Int = 0) -> String {
        let reason = finish.map { "\"\($0)\"" } ?? "null"
        return #"{"id":"c","model":"m","choices":[{"index":\#(index),"delta":\#(delta),"finish_reason":\#(reason)}]}"#
    }

    static func toChat(_ request: JSONValue, _ context: inout ConversionContext) throws -> JSONValue {
        let canonical = try MessagesRequestReader.read(request, context: context)
        return try JSONValue(parsing: ChatRequestWriter.write(try crossed(canonical), context: &context))
    }

    static func toMessages(_ request: JSONValue, _ context: inout ConversionContext) throws -> JSONValue {
        let canonical = try ChatRequestReader.read(request, context: context)
        return try JSONValue(parsing: MessagesRequestWriter.write(try crossed(canonical), context: &context))
    }

    /// Writes the canonical document and reads it again, as it happens between two plugins.
    static func crossed(_ request: CanonicalRequest) throws -> CanonicalRequest {
        var writer = JSONWriter()
        request.write(into: &writer)
        let read = try CanonicalRequest(canonical: try JSONValue(parsing: writer.bytes))
        #expect(read == request)
        return read
    }

    static func crossed(_ response: CanonicalResponse) throws -> CanonicalResponse {
        var writer = JSONWriter()
        response.write(into: &writer)
        let read = try CanonicalResponse(canonical: try JSONValue(parsing: writer.bytes))
        #expect(read == response)
        return read
    }
}

// Readers take documents apart where they stand; these take one that a test has as a tree.

extension ChatRequestReader {
    static func read(
        _ document: JSONValue, context: ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        try document.withNode { node throws(ConversionError) in try read(node, context: context) }
    }
}

extension ChatResponseReader {
    static func read(
        _ document: JSONValue, context: ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        try document.withNode { node throws(ConversionError) in try read(node, context: context) }
    }
}

extension MessagesRequestReader {
    static func read(
        _ document: JSONValue, context: ConversionContext
    ) throws(ConversionError) -> CanonicalRequest {
        try document.withNode { node throws(ConversionError) in try read(node, context: context) }
    }
}

extension MessagesResponseReader {
    static func read(
        _ document: JSONValue, context: ConversionContext
    ) throws(ConversionError) -> CanonicalResponse {
        try document.withNode { node throws(ConversionError) in try read(node, context: context) }
    }
}

extension CanonicalRequest {
    init(canonical document: JSONValue) throws(ConversionError) {
        self = try document.withNode { node throws(ConversionError) in try CanonicalRequest(canonical: node) }
    }
}

extension CanonicalResponse {
    init(canonical document: JSONValue) throws(ConversionError) {
        self = try document.withNode { node throws(ConversionError) in try CanonicalResponse(canonical: node) }
    }
}

extension JSONValue {
    func withNode<Result>(
        _ body: (JSONNode) throws(ConversionError) -> Result
    ) throws(ConversionError) -> Result {
        try JSONNode.with(serialised(), malformed: ConversionError.malformed, body)
    }
}
