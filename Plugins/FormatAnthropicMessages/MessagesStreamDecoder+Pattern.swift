import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// What deltas of a block have in common.
extension MessagesStreamDecoder {
    /// Members of a delta that vary although accounting does not care.
    private static let varying = JSONHoles(strings: ["text", "thinking", "partial_json"])

    mutating func pattern(event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> FramePattern? {
        guard isUnderWay else { return nil }
        if context.tap {
            return sawContent && Self.isContent(name, data) ? FramePattern(passing: data, Self.varying) : nil
        }
        guard (try? tape.parse(data)) != nil else { return nil }
        defer { tape.reset(keeping: 1 << 16) }
        let root = tape.root
        guard let type = tape.member(root, named: "type"), tape.equals(type, "content_block_delta"),
            let delta = tape.present(root, named: "delta"),
            let block = blocks.last(where: { $0.index == index(root) }), let found = block.pattern(delta, tape)
        else { return nil }
        return FramePattern(
            choice: 0, part: block.part, found.field, holes: [FramePattern.Hole(.text, tape, found.text)])
    }
}
