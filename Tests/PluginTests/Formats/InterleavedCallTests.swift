import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

@Suite("Interleaved calls")
struct InterleavedCallTests {
    /// A small generator with a seed, so that a failure can be repeated.
    private struct Generator {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
    }

    @Test("E-26 interleaved parallel deltas become contiguous blocks with the same arguments", arguments: 0..<200)
    func interleaved(seed: Int) throws {
        var generator = Generator(state: UInt64(seed))
        let count = 1 + generator.next(5)
        let whole = (0..<count).map { #"{"n":\#($0),"t":"ü\#(String(repeating: "x", count: generator.next(30)))"}"# }
        var rest = whole.map { Array($0) }
        var opened = [Bool](repeating: false, count: count)
        var text = ""
        var frames: [String] = []
        while rest.contains(where: { !$0.isEmpty }) {
            if generator.next(6) == 0 {
                let piece = generator.next(3) == 0 ? "" : "w\(generator.next(10))"
                text += piece
                frames.append(Formats.chunk("{\"content\":\"\(piece)\"}"))
                continue
            }
            let index = generator.next(count)
            let piece = String(rest[index].prefix(generator.next(7)))
            rest[index].removeFirst(min(rest[index].count, piece.count))
            let arguments = JSONValue.string(piece).description
            let head = opened[index] ? "" : #""id":"call_\#(index)","type":"function","#
            let name = opened[index] ? "" : #""name":"f\#(index)","#
            opened[index] = true
            frames.append(
                Formats.chunk(
                    #"{"tool_calls":[{"index":\#(index),\#(head)"function":{\#(name)"arguments":\#(arguments)}}]}"#))
        }
        let used = opened.indices.filter { opened[$0] }
        frames += [Formats.chunk("{}", finish: "tool_calls"), "[DONE]"]
        let events = Formats.decodeChat(frames)
        var encoder = MessagesStreamEncoder(Formats.context())
        let blocks = MessagesBlocks(encoder.text(events))
        #expect(blocks.isWellFormed)
        #expect(blocks.stopReason == "tool_use")
        #expect(blocks.list.filter { $0.type == "text" }.map(\.content).joined() == text)
        let calls = blocks.list.filter { $0.type == "tool_use" }.map(\.content)
        #expect(calls.sorted() == used.map { whole[$0] }.sorted())
        // Cut anywhere, no further call becomes complete.
        let cut = generator.next(events.count)
        var partial = MessagesStreamEncoder(Formats.context())
        let shown = partial.text(Array(events[..<cut]) + [.error(StreamFault.error(.cut)), .end(clean: false)])
        #expect(!shown.contains("message_stop"))
        for block in closed(shown) where block.type == "tool_use" { #expect(calls.contains(block.content)) }
    }

    /// Blocks of a cut stream that were closed.
    private func closed(_ stream: String) -> [MessagesBlocks.Block] {
        let blocks = MessagesBlocks(stream)
        return blocks.list.count > 0 && !blocks.isWellFormed ? Array(blocks.list.dropLast()) : blocks.list
    }
}
