import PatchbayCore
import PatchbayWire

/// A request that lets a model go on with the beginning of an answer: the request with that beginning as the last turn
/// of the conversation, and with the limit of the answer's length reduced by what was used up.
///
/// Only Messages servers take such a turn as a rule; of servers of Chat Completions the capability profile has to say
/// so (`prefill`, formats.md section 3.4). Whatever a server would answer with a refusal, or with an answer that does
/// not fit the beginning, is an ``Obstacle``.
struct PrefilledRequest {
    /// How the turn is marked as one to go on with.
    enum Style: Equatable {
        /// A conversation that ends with the assistant is gone on with.
        case plain
        /// The turn has the member `prefix` (DeepSeek, Mistral).
        case prefix
        /// The request says that its last message is to be continued (vLLM).
        case continueFinalMessage
    }

    /// Why an upstream cannot be asked to go on.
    enum Obstacle: String, Error {
        case format = "its format takes no beginning of an answer"
        case profile = "its model is not known to take the beginning of an answer"
        case unreadable = "the request cannot be read"
        case ownBeginning = "the request itself ends with the beginning of an answer"
        case reasoning = "a model that is to reason first takes no beginning of an answer"
        case structured = "the answer is bound to a schema, which a model would begin anew"
        case forcedTool = "the request forces a tool"
        case severalChoices = "the request wants several answers"
        case probabilities = "the request wants probabilities of tokens"
    }

    let format: WireFormat
    let style: Style

    /// - Parameter profile: Capability profile of the model, JSON; empty = nothing is known.
    init(format: WireFormat, profile: [UInt8]) throws(Obstacle) {
        self.format = format
        let setting = profile.isEmpty ? nil : (try? JSONValue(parsing: profile))?["prefill"]
        switch format {
        case .anthropicMessages:
            guard setting?.boolValue != false else { throw .profile }
            style = .plain
        case .openAIChat:
            switch setting?.stringValue {
            case "prefix": style = .prefix
            case "continue_final_message": style = .continueFinalMessage
            default:
                guard setting?.boolValue == true else { throw .profile }
                style = .plain
            }
        default: throw .format
        }
    }

    // MARK: - The request

    /// - Parameters:
    ///   - request: A body of the format, in which the answer was asked for.
    ///   - beginning: What the model is to go on with, in UTF-8, without white space at its end.
    ///   - tokens: What it is worth of the limit of the answer's length.
    /// - Returns: The body in which the rest is asked for. Every byte that need not change is the same.
    func body(
        from request: UnsafeRawBufferPointer, beginning: ArraySlice<UInt8>, tokens: Int
    ) throws(Obstacle) -> [UInt8] {
        var tape = JSONTape()
        guard (try? tape.parse(request)) != nil else { throw .unreadable }
        try check(tape)
        guard let messages = tape.member(tape.root, named: "messages"), tape.kind(messages) == .array else {
            throw .unreadable
        }
        var operations = [JSONPatchOperation("messages", value: try extended(messages, tape, beginning))]
        for name in ["max_tokens", "max_completion_tokens"] as [StaticString] {
            guard let limit = tape.member(tape.root, named: name).flatMap({ tape.int($0) }) else { continue }
            let rest = max(1, limit - tokens)
            operations.append(JSONPatchOperation("\(name)", value: Array("\(rest)".utf8)))
        }
        if style == .continueFinalMessage {
            operations.append(JSONPatchOperation("continue_final_message", value: Array("true".utf8)))
            operations.append(JSONPatchOperation("add_generation_prompt", value: Array("false".utf8)))
        }
        var body: [UInt8] = []
        guard (try? JSONPatch.apply(operations, to: request, into: &body)) != nil else { throw .unreadable }
        return body
    }

    /// The conversation with one more turn.
    private func extended(
        _ messages: JSONIndex, _ tape: borrowing JSONTape, _ beginning: ArraySlice<UInt8>
    ) throws(Obstacle) -> [UInt8] {
        var last: JSONIndex?
        for message in tape.elements(of: messages) { last = message }
        guard let last, let role = tape.member(last, named: "role") else { throw .unreadable }
        guard !tape.equals(role, "assistant") else { throw .ownBeginning }
        var list = Array(tape.raw(messages))
        while list.last != UInt8(ascii: "]") { list.removeLast() }
        list.removeLast()
        list.append(UInt8(ascii: ","))
        var writer = JSONWriter(appendingTo: list)
        writer.beginDocument()
        writer.beginObject()
        writer.member("role", literal: "assistant")
        writer.member("content", String(decoding: beginning, as: UTF8.self))
        if style == .prefix { writer.member("prefix", true) }
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "]")]
    }

    // MARK: - What stands in the way

    private func check(_ tape: borrowing JSONTape) throws(Obstacle) {
        if forcesTool(tape) { throw .forcedTool }
        switch format {
        case .anthropicMessages:
            if let type = tape.member(tape.root, path: "thinking", "type"), !tape.equals(type, "disabled") {
                throw .reasoning
            }
            if isPresent(tape.member(tape.root, named: "output_format"), tape)
                || isPresent(tape.member(tape.root, path: "output_config", "format"), tape)
            {
                throw .structured
            }
        default:
            if let type = tape.member(tape.root, path: "response_format", "type"), !tape.equals(type, "text") {
                throw .structured
            }
            if let count = tape.member(tape.root, named: "n").flatMap({ tape.int($0) }), count > 1 {
                throw .severalChoices
            }
            if tape.member(tape.root, named: "logprobs").flatMap({ tape.bool($0) }) == true { throw .probabilities }
        }
    }

    private func isPresent(_ index: JSONIndex?, _ tape: borrowing JSONTape) -> Bool {
        guard let index else { return false }
        return tape.kind(index) != .null
    }

    /// Whether the answer has to be a call, so that text was no more than its preface.
    private func forcesTool(_ tape: borrowing JSONTape) -> Bool {
        for name in ["tool_choice", "function_call"] as [StaticString] {
            guard let choice = tape.member(tape.root, named: name) else { continue }
            switch tape.kind(choice) {
            case .string: if tape.equals(choice, "required") { return true }
            case .object:
                guard let type = tape.member(choice, named: "type") else { return true }
                if !tape.equals(type, "auto"), !tape.equals(type, "none") { return true }
            default: break
            }
        }
        return false
    }
}
