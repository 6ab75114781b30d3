import CPatchbay
import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatOpenAIChat

/// The two formats behind their C records, joined as the host joins them.
@Suite struct FormatBoundaryTests {
    private let chat: PluginUnderTest
    private let messages: PluginUnderTest
    private let chatCodec: UnsafePointer<pb_codec>
    private let messagesCodec: UnsafePointer<pb_codec>

    init() throws {
        chat = try PluginUnderTest(patchbay_entry_v1__format_openai_chat(nil))
        messages = try PluginUnderTest(patchbay_entry_v1__format_anthropic_messages(nil))
        chatCodec = try #require(chat.table(PB_CODEC_ID, as: pb_codec.self))
        messagesCodec = try #require(messages.table(PB_CODEC_ID, as: pb_codec.self))
    }

    private func withParameters<Result>(
        request: String? = nil, _ body: (UnsafePointer<pb_codec_parameters>) -> Result
    ) -> Result {
        withTexts(["alias", "upstream", "req1", request]) { texts in
            var parameters = pb_codec_parameters()
            parameters.size = UInt32(MemoryLayout<pb_codec_parameters>.size)
            parameters.requested_model = texts[0]
            parameters.upstream_model = texts[1]
            parameters.request_id = texts[2]
            parameters.created_s = 1_763_690_000
            parameters.request_json = texts[3]
            return body(&parameters)
        }
    }

    @Test("A request crosses two plugins as a canonical document")
    func request() throws {
        let wire = #"{"model":"alias","messages":[{"role":"user","content":"Grüße"}],"max_tokens":5}"#
        let (read, canonical) = withSink { output in
            withText(wire) { text in
                withParameters { chatCodec.pointee.request_to_canonical(chat.instance, text, $0, output, nil) }
            }
        }
        #expect(read == 0)
        let (written, request) = withSink { output in
            withText(canonical) { text in
                withParameters {
                    messagesCodec.pointee.request_from_canonical(messages.instance, text, $0, output, nil)
                }
            }
        }
        #expect(written == 0)
        #expect(request == #"{"model":"upstream","max_tokens":5,"messages":[{"role":"user","content":"Grüße"}]}"#)
    }

    @Test("A malformed request is refused with a sentence that names the field")
    func malformed() {
        for (wire, field) in [
            (#"{"model":1,"messages":[]}"#, "`model`"), ("{", "JSON"), (#"{"model":"m"}"#, "`messages`"),
        ] {
            let (status, sentence) = withSink { error in
                withText(wire) { text in
                    withParameters { parameters in
                        withSink { chatCodec.pointee.request_to_canonical(chat.instance, text, parameters, $0, error) }
                            .0
                    }
                }
            }
            #expect(status == pb_status(PB_E_INVALID) && sentence.contains(field))
        }
    }

    @Test("A stream crosses from one format to the other event by event")
    func stream() throws {
        let frames = TestFrame.all(try Fixture.text("turn/chat.sse"))
        let canonical =
            #"{"canon":1,"origin":{"format":"anthropic.messages"},"stream":{"on":true},"system":[],"turns":[]}"#
        var decoder: UnsafeMutableRawPointer?
        var encoder: UnsafeMutableRawPointer?
        withParameters(request: canonical) { parameters in
            _ = chatCodec.pointee.decoder_open(chat.instance, parameters, &decoder)
            _ = messagesCodec.pointee.encoder_open(messages.instance, parameters, &encoder)
        }
        defer {
            chatCodec.pointee.decoder_close(decoder)
            messagesCodec.pointee.encoder_close(encoder)
        }
        let (_, shown) = withSink { wire in
            var bridge = Bridge(codec: messagesCodec, encoder: encoder, wire: wire)
            withUnsafeMutablePointer(to: &bridge) { pointer in
                var sink = pb_event_sink(
                    ctx: UnsafeMutableRawPointer(pointer),
                    emit: { sink, events, count in
                        let bridge = sink!.pointee.ctx.assumingMemoryBound(to: Bridge.self).pointee
                        return bridge.codec.pointee.encoder_events(bridge.encoder, events, count, bridge.wire)
                    })
                for frame in frames {
                    withTexts([frame.event.isEmpty ? nil : frame.event, frame.data]) { texts in
                        var record = pb_frame(event: texts[0], data: texts[1])
                        #expect(chatCodec.pointee.decoder_frames(decoder, &record, 1, &sink) == 0)
                    }
                }
                #expect(chatCodec.pointee.decoder_finish(decoder, UInt32(PB_END_OF_STREAM), &sink) == 0)
            }
        }
        let expected = try Fixture.json("turn/chat.encoded.json")["messages"]?.arrayValue?.compactMap(\.stringValue)
        #expect(shown == expected.map { $0.joined(separator: "\n\n") + "\n\n" })
    }

    @Test("Heartbeats are what clients of each format skip")
    func heartbeats() {
        #expect(withSink { chatCodec.pointee.heartbeat(chat.instance, $0) }.1 == ": ka\n\n")
        #expect(
            withSink { messagesCodec.pointee.heartbeat(messages.instance, $0) }.1
                == "event: ping\ndata: {\"type\":\"ping\"}\n\n")
    }

    private struct Bridge {
        let codec: UnsafePointer<pb_codec>
        let encoder: UnsafeMutableRawPointer?
        let wire: UnsafePointer<pb_sink>
    }
}
