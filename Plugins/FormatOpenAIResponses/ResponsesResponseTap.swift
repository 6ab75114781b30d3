import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads from a complete response what accounting needs, without building a tree of it.
enum ResponsesResponseTap {
    static func read(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        var tape = JSONTape()
        do throws(JSONError) {
            try tape.parse(body)
        } catch {
            throw .invalid("the answer is not valid JSON: \(error.message)")
        }
        let root = tape.root
        guard let output = tape.present(root, named: "output"), tape.kind(output) == .array else {
            return try failure(tape)
        }
        var events: [AnswerEvent] = [
            .start(
                id: tape.member(root, named: "id").flatMap { tape.string($0) } ?? "",
                model: tape.member(root, named: "model").flatMap { tape.string($0) } ?? "")
        ]
        let status = tape.member(root, named: "status").flatMap { tape.string($0) } ?? ""
        if status == "failed" {
            return events + [.error(ResponsesErrors.read(JSONValue(tape, root)))]
        }
        if let usage = tape.present(root, named: "usage") {
            let counts = TokenCounts(responses: JSONValue(tape, usage))
            if !counts.isEmpty { events.append(.usage(counts)) }
        }
        let reason = tape.member(root, path: "incomplete_details", "reason").flatMap { tape.string($0) }
        let hasCall = tape.elements(of: output).contains { item in
            guard let type = tape.member(item, named: "type") else { return false }
            return tape.equals(type, "function_call") || tape.equals(type, "custom_tool_call")
        }
        let finish = ResponsesFormat.finish(status: status, reason: reason)
        events.append(.finish(0, ResponsesFormat.corrected(finish, hasToolCall: hasCall, hasRefusal: false)))
        return events
    }

    /// An error with status 200; anything else is no answer of the format.
    private static func failure(_ tape: borrowing JSONTape) throws(ConversionError) -> [AnswerEvent] {
        let names: [StaticString] = ["error", "message", "msg", "detail", "errors"]
        guard names.contains(where: { tape.present(tape.root, named: $0) != nil }) else {
            throw .invalid("`output` must be an array in an answer of openai.responses")
        }
        return [.start(id: "", model: ""), .error(ResponsesErrors.read(JSONValue(tape, tape.root)))]
    }
}
