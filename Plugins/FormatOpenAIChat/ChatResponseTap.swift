import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads from a complete answer what accounting needs, in one pass and without a tree of it.
struct ChatResponseTap {
    private let body: UnsafeRawBufferPointer
    private var id: JSONField?
    private var model: JSONField?
    private var usage = ChatUsage()
    private var choices: Choices?
    private var hasError = false

    /// What the array `choices` says. Most answers have one choice; of more, only the first is kept.
    private struct Choices {
        let start: JSONReader
        var count = 0
        var first = Choice()
    }

    private struct Choice {
        var index: Int?
        var word: JSONField?
    }

    init(_ body: UnsafeRawBufferPointer) throws(ConversionError) {
        self.body = body
        do throws(JSONError) {
            var reader = try JSONReader(body)
            try reader.object { name, reader throws(JSONError) in try read(name, &reader) }
            try reader.expectEnd()
        } catch {
            throw .invalid("the answer is not valid JSON: \(error.message)")
        }
    }

    @inline(__always)
    private mutating func read(_ name: JSONMemberName, _ reader: inout JSONReader) throws(JSONError) {
        if name.equals("id") {
            id = try reader.value()
        } else if name.equals("model") {
            model = try reader.value()
        } else if name.equals("usage") {
            try usage.read(&reader, of: body)
        } else if name.equals("choices") {
            try readChoices(&reader)
        } else if name.equals("error") {
            if case .null = try reader.value().kind { hasError = false } else { hasError = true }
        } else {
            _ = try reader.value()
        }
    }

    private mutating func readChoices(_ reader: inout JSONReader) throws(JSONError) {
        choices = nil
        guard try reader.isAtArray() else {
            _ = try reader.value()
            return
        }
        var found = Choices(start: reader)
        try reader.array { position, reader throws(JSONError) in
            let choice = try ChatResponseTap.choice(&reader, body)
            if position == 0 { found.first = choice }
            found.count = position + 1
        }
        choices = found
    }

    @inline(__always)
    private static func choice(
        _ reader: inout JSONReader, _ body: UnsafeRawBufferPointer
    ) throws(JSONError) -> Choice {
        var choice = Choice()
        guard try reader.isAtObject() else {
            _ = try reader.value()
            return choice
        }
        try reader.object { name, reader throws(JSONError) in
            let field = try reader.value()
            if name.equals("index") {
                choice.index = field.int(in: body)
            } else if name.equals("finish_reason") {
                choice.word = field
            }
        }
        return choice
    }

    /// Start, usage and finishes; or the error that stands in the place of an answer.
    func send<Receiver: TapReceiver>(to receiver: inout Receiver) throws(ConversionError) {
        guard let choices, !(hasError && choices.count == 0) else {
            guard let error = CanonicalError(disguisedIn: body, format: ChatFormat.id) else {
                throw .invalid("`choices` must be an array in an answer of openai.chat")
            }
            receiver.tapStart(id: .absent, model: .absent)
            return receiver.tapError(error)
        }
        id.withText(in: body) { id in model.withText(in: body) { model in receiver.tapStart(id: id, model: model) } }
        let counts = usage.counts
        if !counts.isEmpty { receiver.tapUsage(counts) }
        if choices.count == 1 { return send(choices.first, at: 0, to: &receiver) }
        var reader = choices.start
        // The array has been read without an error once.
        try? reader.array { position, reader throws(JSONError) in
            send(try ChatResponseTap.choice(&reader, body), at: position, to: &receiver)
        }
    }

    private func send<Receiver: TapReceiver>(_ choice: Choice, at position: Int, to receiver: inout Receiver) {
        let reason = choice.word?.rawString(in: body).flatMap(ChatFormat.plainFinish)
        let index = choice.index ?? position
        if let reason {
            return choice.word.withText(in: body) { receiver.tapFinish(choice: index, reason, native: $0) }
        }
        let word = choice.word?.string(in: body) ?? ""
        receiver.tapFinish(choice: index, ChatFormat.finish(word) ?? CanonicalFinish(.stop))
    }
}
