import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads from a complete answer what accounting needs, without building a tree of it.
enum GeminiResponseTap {
    static func read(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent] {
        var tape = JSONTape()
        do throws(JSONError) {
            try tape.parse(body)
        } catch {
            throw .invalid("the answer is not valid JSON: \(error.message)")
        }
        let root = tape.root
        let candidates = tape.present(root, named: "candidates")
        let usage = tape.present(root, named: "usageMetadata")
        let feedback = tape.present(root, named: "promptFeedback")
        guard tape.present(root, named: "error") == nil, candidates != nil || usage != nil || feedback != nil else {
            return try failure(tape)
        }
        var events: [AnswerEvent] = [
            .start(
                id: tape.member(root, named: "responseId").flatMap { tape.string($0) } ?? "",
                model: tape.member(root, named: "modelVersion").flatMap { tape.string($0) } ?? "")
        ]
        if let usage {
            let counts = TokenCounts(gemini: JSONValue(tape, usage))
            if !counts.isEmpty { events.append(.usage(counts)) }
        }
        var hasCandidate = false
        if let candidates, tape.kind(candidates) == .array {
            for (position, candidate) in tape.elements(of: candidates).enumerated() {
                hasCandidate = true
                let index = tape.member(candidate, named: "index").flatMap { tape.int($0) } ?? position
                let word = tape.member(candidate, named: "finishReason").flatMap { tape.string($0) } ?? ""
                events.append(.finish(index, GeminiFormat.finish(word) ?? CanonicalFinish(.stop)))
            }
        }
        if !hasCandidate {
            let reason = feedback.flatMap { tape.member($0, named: "blockReason") }.flatMap { tape.string($0) }
            events.append(.finish(0, CanonicalFinish(reason == nil ? .other : .contentFilter, native: reason)))
        }
        return events
    }

    /// An error with status 200; anything else is no answer of the format.
    private static func failure(_ tape: borrowing JSONTape) throws(ConversionError) -> [AnswerEvent] {
        let names: [StaticString] = ["error", "message", "msg", "detail", "errors"]
        let isArray = tape.kind(tape.root) == .array
        guard isArray || names.contains(where: { tape.present(tape.root, named: $0) != nil }) else {
            throw .invalid("`candidates` must be an array in an answer of gemini.generate")
        }
        let document = JSONValue(tape, tape.root)
        guard !isArray || document.arrayValue?.first?["error"] != nil else {
            throw .invalid("an answer of gemini.generate must be an object")
        }
        return [.start(id: "", model: ""), .error(GeminiErrors.read(status: nil, document))]
    }
}
