import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads from a complete answer what accounting needs, without building a tree of it.
enum ChatResponseTap {
    static func read(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        var tape = JSONTape()
        do throws(JSONError) {
            try tape.parse(body)
        } catch {
            throw .invalid("the answer is not valid JSON: \(error.message)")
        }
        let root = tape.root
        guard let choices = tape.present(root, named: "choices"), tape.kind(choices) == .array else {
            return try failure(tape)
        }
        if tape.first(choices) == nil, tape.present(root, named: "error") != nil { return try failure(tape) }
        var events: [AnswerEvent] = [
            .start(
                id: tape.member(root, named: "id").flatMap { tape.string($0) } ?? "",
                model: tape.member(root, named: "model").flatMap { tape.string($0) } ?? "")
        ]
        if let usage = tape.present(root, named: "usage") {
            let counts = TokenCounts(chat: JSONValue(tape, usage))
            if !counts.isEmpty { events.append(.usage(counts)) }
        }
        for (position, choice) in tape.elements(of: choices).enumerated() {
            let index = tape.member(choice, named: "index").flatMap { tape.int($0) } ?? position
            let word = tape.member(choice, named: "finish_reason").flatMap { tape.string($0) } ?? ""
            events.append(.finish(index, ChatFormat.finish(word) ?? CanonicalFinish(.stop)))
        }
        return events
    }

    /// An error with status 200; anything else is no answer of the format.
    private static func failure(_ tape: borrowing JSONTape) throws(ConversionError) -> [AnswerEvent] {
        let root = tape.root
        let names: [StaticString] = ["error", "message", "msg", "detail", "errors"]
        guard names.contains(where: { tape.present(root, named: $0) != nil }) else {
            throw .invalid("`choices` must be an array in an answer of openai.chat")
        }
        let error = CanonicalError(format: ChatFormat.id, status: nil, body: ErrorBody(JSONValue(tape, root)))
        return [.start(id: "", model: ""), .error(error)]
    }
}
