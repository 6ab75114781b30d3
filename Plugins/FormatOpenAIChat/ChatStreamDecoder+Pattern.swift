import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// What chunks that carry one piece of text have in common.
extension ChatStreamDecoder {
    /// Members of a chunk that vary although accounting does not care. Obfuscation has no meaning at all. The time
    /// varies once a second at most.
    private static let varying = JSONHoles(
        strings: ["content", "reasoning_content", "reasoning", "text", "arguments", "refusal", "obfuscation"],
        unless: ["finish_reason", "usage", "error"])

    mutating func pattern(event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> FramePattern? {
        guard isUnderWay, !name.elementsEqual("error".utf8) else { return nil }
        if context.tap { return sawContent ? FramePattern(passing: data, Self.varying) : nil }
        guard !context.profile.thinkTags, (try? tape.parse(data)) != nil else { return nil }
        defer { tape.reset(keeping: 1 << 16) }
        let root = tape.root
        guard tape.present(root, named: "error") == nil, let list = tape.present(root, named: "choices"),
            let item = tape.first(list), tape.kind(list) == .array, tape.next(item) == nil,
            let found = delta(of: item)
        else { return nil }
        var holes = [FramePattern.Hole(.text, tape, found.text)]
        if let noise = tape.member(root, named: "obfuscation"), tape.kind(noise) == .string {
            holes.append(FramePattern.Hole(.string, tape, noise))
        }
        return FramePattern(choice: found.choice, part: found.part, found.field, holes: holes)
    }

    /// The piece of text of a choice that has nothing else to say.
    private func delta(of item: JSONIndex) -> (choice: Int, text: JSONIndex, part: Int, field: PartField)? {
        let index = tape.member(item, named: "index").flatMap { tape.int($0) } ?? 0
        let others: [StaticString] = ["message", "logprobs", "finish_reason", "usage"]
        guard let choice = choices.first(where: { $0.index == index }), let delta = tape.present(item, named: "delta"),
            !others.contains(where: { tape.present(item, named: $0) != nil }),
            let found = choice.pattern(delta, tape)
        else { return nil }
        return (index, found.text, found.part, found.field)
    }
}

extension ChatStreamChoice {
    /// The one text of a delta that would be appended to what is open, if nothing else would come of the delta.
    func pattern(_ delta: JSONIndex, _ tape: borrowing JSONTape) -> (text: JSONIndex, part: Int, field: PartField)? {
        let others: [StaticString] = ["reasoning_details", "function_call", "annotations", "images", "audio"]
        guard !others.contains(where: { tape.present(delta, named: $0) != nil }) else { return nil }
        let names: [(StaticString, PartKind)] = [
            ("content", .text), ("refusal", .refusal), ("reasoning_content", .reasoning), ("reasoning", .reasoning),
        ]
        var found: (text: JSONIndex, kind: PartKind)?
        for (name, kind) in names {
            guard let text = tape.present(delta, named: name),
                tape.kind(text) != .string || !tape.stringSpan(text).isEmpty
            else { continue }
            guard found == nil, tape.kind(text) == .string else { return nil }
            found = (text, kind)
        }
        let calls = tape.present(delta, named: "tool_calls").flatMap { tape.first($0) }
        if let calls { return found == nil ? arguments(calls, tape) : nil }
        guard let found, continues(found.kind) else { return nil }
        return (found.text, openPart, .text)
    }

    /// The same for the arguments of the one call of a delta.
    private func arguments(
        _ call: JSONIndex, _ tape: borrowing JSONTape
    ) -> (text: JSONIndex, part: Int, field: PartField)? {
        guard tape.next(call) == nil, tape.present(call, named: "extra_content") == nil,
            let index = tape.member(call, named: "index").flatMap({ tape.int($0) }),
            let function = tape.present(call, named: "function"),
            let text = tape.member(function, named: "arguments"), tape.kind(text) == .string,
            !tape.stringSpan(text).isEmpty
        else { return nil }
        let id = tape.member(call, named: "id").flatMap { tape.string($0) } ?? ""
        let name = tape.member(function, named: "name").flatMap { tape.string($0) } ?? ""
        guard let part = steadyPart(.index(index), id: id, name: name) else { return nil }
        return (text, part, .arguments)
    }
}
