import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatGemini
@testable import FormatOpenAIChat

/// Whatever an upstream sends: one start, one end, and nothing complete that is not.
@Suite("Noise in streams")
struct FormatNoiseTests {
    private struct Generator {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
    }

    /// Frames of both streams with members removed, values exchanged, and frames repeated or left out.
    private func noisy(_ generator: inout Generator, _ frames: [TestFrame]) -> [TestFrame] {
        var result: [TestFrame] = []
        for frame in frames {
            switch generator.next(8) {
            case 0: continue
            case 1: result += [frame, frame]
            case 2...4:
                guard var value = try? JSONValue(parsing: frame.data) else {
                    result.append(frame)
                    continue
                }
                mutate(&value, &generator)
                result.append(TestFrame(event: frame.event, data: value.description))
            default: result.append(frame)
            }
        }
        return result
    }

    private func mutate(_ value: inout JSONValue, _ generator: inout Generator) {
        let replacements: [JSONValue] = [
            .null, 1, -3, 1e300, "", "x", .emptyArray, .emptyObject, true, [.null], ["index": -1],
        ]
        switch value {
        case .object(var members) where !members.isEmpty && generator.next(6) > 0:
            let index = generator.next(members.count)
            if generator.next(5) == 0 {
                members.members.remove(at: index)
            } else {
                mutate(&members.members[index].value, &generator)
            }
            value = .object(members)
        case .array(var items) where !items.isEmpty && generator.next(6) > 0:
            mutate(&items[generator.next(items.count)], &generator)
            value = .array(items)
        default: value = replacements[generator.next(replacements.count)]
        }
    }

    private func check(_ events: [AnswerEvent]) {
        #expect(events.first?.type == .start && events.count { $0.type == .start } == 1)
        #expect(events.last?.type == .end && events.count { $0.type == .end } == 1)
        var opened: [Int: Int] = [:]
        for event in events {
            if event.type == .partOpen {
                #expect(event.part == opened[event.choice, default: 0])
                opened[event.choice, default: 0] += 1
            } else if event.type == .partDelta || event.type == .partClose || event.type == .partNote {
                #expect(event.part < opened[event.choice, default: 0])
            }
        }
        var messages = MessagesStreamEncoder(Formats.context())
        let blocks = MessagesBlocks(messages.text(events))
        #expect(blocks.isWellFormed || events.last?.clean == false)
        var chat = ChatStreamEncoder(Formats.context())
        let shown = chat.text(events)
        #expect(shown.contains("[DONE]") == (events.last?.clean == true))
        for frame in TestFrame.all(shown) where frame.data != "[DONE]" {
            #expect((try? JSONValue(parsing: frame.data)) != nil)
        }
        var gemini = GeminiStreamEncoder(Formats.context())
        let frames = TestFrame.all(gemini.text(events).replacing("\r\n", with: "\n"))
        #expect(frames.allSatisfy { (try? JSONValue(parsing: $0.data)) != nil })
        #expect(frames.last?.data.contains("finishReason") == (events.last?.clean == true))
    }

    @Test("Mutated streams keep the promises of the events", arguments: 0..<300)
    func mutated(seed: Int) throws {
        var generator = Generator(state: UInt64(seed) &* 7919)
        let chatFrames = noisy(&generator, TestFrame.all(try Fixture.text("turn/chat.sse")))
        let messagesFrames = noisy(&generator, TestFrame.all(try Fixture.text("turn/messages.sse")))
        let geminiFrames = noisy(&generator, TestFrame.all(try Fixture.text("turn/gemini.sse")))
        for tap in [false, true] {
            var chat = ChatStreamDecoder(Formats.context { $0.tap = tap })
            var messages = MessagesStreamDecoder(Formats.context { $0.tap = tap })
            check(chat.takeAll(chatFrames))
            check(messages.takeAll(messagesFrames))
            var gemini = GeminiStreamDecoder(Formats.context { $0.tap = tap })
            check(gemini.takeAll(geminiFrames))
            var stranger = GeminiStreamDecoder(Formats.context { $0.tap = tap })
            check(stranger.takeAll(chatFrames))
            // Each decoder also sees the other format.
            var first = ChatStreamDecoder(Formats.context { $0.tap = tap })
            var second = MessagesStreamDecoder(Formats.context { $0.tap = tap })
            check(first.takeAll(messagesFrames))
            check(second.takeAll(chatFrames))
        }
    }

    @Test("Mutated requests are converted or refused, and what is written is JSON", arguments: 0..<300)
    func mutatedRequests(seed: Int) throws {
        var generator = Generator(state: UInt64(seed) &* 104_729)
        for (folder, isChat) in [("chat-to-messages", true), ("messages-to-chat", false)] {
            for name in try Fixture.cases("requests/" + folder) {
                var value = try Fixture.json("requests/\(folder)/\(name)/request.json")
                for _ in 0...generator.next(4) { mutate(&value, &generator) }
                var context = Formats.context()
                do {
                    _ = isChat ? try Formats.toMessages(value, &context) : try Formats.toChat(value, &context)
                    _ = isChat ? try Gemini.fromChat(value) : try Gemini.fromMessages(value)
                } catch is ConversionError {
                    continue
                }
            }
        }
        for name in try Fixture.cases("requests/gemini") {
            var value = try Fixture.json("requests/gemini/\(name)/request.json")
            for _ in 0...generator.next(4) { mutate(&value, &generator) }
            var context = Formats.context()
            do {
                let canonical = try Gemini.read(value)
                _ = try JSONValue(parsing: ChatRequestWriter.write(canonical, context: &context))
                _ = try JSONValue(parsing: MessagesRequestWriter.write(canonical, context: &context))
                _ = try Gemini.write(canonical, &context)
            } catch is ConversionError {
                continue
            }
        }
    }
}
