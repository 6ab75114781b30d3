import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads from a complete answer what accounting needs, without building a tree of it.
enum MessagesResponseTap {
    static func read(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        var tape = JSONTape()
        do throws(JSONError) {
            try tape.parse(body)
        } catch {
            throw .invalid("the answer is not valid JSON: \(error.message)")
        }
        let root = tape.root
        guard let content = tape.present(root, named: "content"), tape.kind(content) == .array,
            tape.present(root, named: "error") == nil
        else { return try failure(tape) }
        var events: [AnswerEvent] = [
            .start(
                id: tape.member(root, named: "id").flatMap { tape.string($0) } ?? "",
                model: tape.member(root, named: "model").flatMap { tape.string($0) } ?? "")
        ]
        if let usage = tape.present(root, named: "usage") {
            let counts = MessagesUsage(JSONValue(tape, usage)).counts
            if !counts.isEmpty { events.append(.usage(counts)) }
        }
        let word = tape.member(root, named: "stop_reason").flatMap { tape.string($0) } ?? "end_turn"
        let sequence = tape.member(root, named: "stop_sequence").flatMap { tape.string($0) }
        events.append(.finish(0, MessagesFormat.finish(word, stopSequence: sequence)))
        return events
    }

    /// An error with status 200; anything else is no answer of the format.
    private static func failure(_ tape: borrowing JSONTape) throws(ConversionError) -> [AnswerEvent] {
        let names: [StaticString] = ["error", "message", "msg", "detail", "errors"]
        guard names.contains(where: { tape.present(tape.root, named: $0) != nil }) else {
            throw .invalid("`content` must be an array in an answer of anthropic.messages")
        }
        let body = ErrorBody(JSONValue(tape, tape.root))
        return [.start(id: "", model: ""), .error(CanonicalError(format: MessagesFormat.id, status: nil, body: body))]
    }
}
