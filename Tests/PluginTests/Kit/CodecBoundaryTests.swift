import CPatchbay
import PatchbayPlugin
import Testing

@Suite struct CodecBoundaryTests {
    let plugin: PluginUnderTest
    let codec: UnsafePointer<pb_codec>

    init() throws {
        plugin = try PluginUnderTest(Probes.codec.pointer)
        codec = try #require(plugin.table(PB_CODEC_ID, as: pb_codec.self))
    }

    /// Calls `body` with parameters whose losses are collected.
    func withParameters<Result>(
        flags: Int = PB_CODEC_STREAM_FLAG, _ body: (UnsafePointer<pb_codec_parameters>) -> Result
    ) -> (Result, [String]) {
        let losses = LossList()
        let result = withText("gpt") { model in
            var parameters = pb_codec_parameters()
            parameters.size = UInt32(MemoryLayout<pb_codec_parameters>.size)
            parameters.flags = UInt32(flags)
            parameters.requested_model = model
            parameters.ctx = Unmanaged.passUnretained(losses).toOpaque()
            parameters.loss = { parameters, severity, code, path in
                let list = Unmanaged<LossList>.fromOpaque(parameters!.pointee.ctx).takeUnretainedValue()
                list.lines.append("\(severity) \(code.text) \(path.text)")
            }
            return body(&parameters)
        }
        return (result, losses.lines)
    }

    @Test func tableIsCompleteAndNamesItsFraming() {
        let table = codec.pointee
        #expect(table.size == UInt32(MemoryLayout<pb_codec>.size) && table.framing == UInt32(PB_FRAMING_NDJSON))
        #expect(table.heartbeat != nil && table.encoder_close != nil && table.response_tap != nil)
    }

    @Test func documentsAreConvertedAndLossesRecorded() {
        let ((status, text), losses) = withParameters { parameters in
            withSink { output in
                withText("doc") { codec.pointee.request_to_canonical(plugin.instance, $0, parameters, output, nil) }
            }
        }
        #expect(status == 0 && text == "doc|gpt")
        #expect(losses == ["2 sampling.top_k /top_k"])
    }

    @Test func errorsOfFormCarryASentence() {
        let ((status, sentence), _) = withParameters { parameters in
            withSink { error in
                let (status, output) = withSink { output in
                    withText("bad") {
                        codec.pointee.request_to_canonical(plugin.instance, $0, parameters, output, error)
                    }
                }
                #expect(output.isEmpty)
                return status
            }
        }
        #expect(status == pb_status(PB_E_INVALID) && sentence == "messages is missing.")
    }

    @Test func errorDocumentsAndTheirStatus() {
        var httpStatus: UInt32 = 0
        let ((status, text), _) = withParameters { parameters in
            withSink { output in
                withText("x") {
                    codec.pointee.error_from_canonical(plugin.instance, $0, parameters, &httpStatus, output)
                }
            }
        }
        #expect(status == 0 && text == "x" && httpStatus == 529)
        let ((other, canonical), _) = withParameters { parameters in
            withSink { output in
                withText("") { codec.pointee.error_to_canonical(plugin.instance, 503, $0, parameters, output) }
            }
        }
        #expect(other == 0 && canonical == "503")
    }

    @Test func tapEmitsEventsWithUnknownCounters() {
        let events = EventList()
        let (status, _) = withParameters { parameters in
            events.withSink { sink in
                withText("{}") { codec.pointee.response_tap(plugin.instance, $0, parameters, sink) }
            }
        }
        #expect(status == 0)
        #expect(
            events.lines == ["start m i in=3 out=?", "usage in=3 out=4", "finish 5 tool_use"])
    }

    @Test func decoderTurnsFramesIntoEvents() {
        let events = EventList()
        var decoder: UnsafeMutableRawPointer?
        _ = withParameters { codec.pointee.decoder_open(plugin.instance, $0, &decoder) }
        defer { codec.pointee.decoder_close(decoder) }
        let statuses = events.withSink { sink in
            withTexts(["he", "llo", "stop"]) { texts in
                let frames = [
                    pb_frame(event: pb_str(), data: texts[0]), pb_frame(event: pb_str(), data: texts[1]),
                    pb_frame(event: texts[2], data: pb_str()),
                ]
                return [
                    codec.pointee.decoder_frames(decoder, frames, 3, sink),
                    codec.pointee.decoder_finish(decoder, UInt32(PB_END_OF_STREAM), sink),
                ]
            }
        }
        #expect(statuses == [0, 0])
        #expect(events.lines == ["open 1", "delta he", "delta llo", "close", "finish 1 ", "end 1"])
    }

    @Test func cutStreamEndsWithAnErrorAndUncleanEnd() {
        let events = EventList()
        var decoder: UnsafeMutableRawPointer?
        _ = withParameters { codec.pointee.decoder_open(plugin.instance, $0, &decoder) }
        defer { codec.pointee.decoder_close(decoder) }
        _ = events.withSink { codec.pointee.decoder_finish(decoder, UInt32(PB_END_CUT), $0) }
        #expect(events.lines == ["error 16 stream_truncated cut", "end 0"])
    }

    @Test func refusedEventStopsTheDecoder() {
        let events = EventList(limit: 1)
        var decoder: UnsafeMutableRawPointer?
        _ = withParameters { codec.pointee.decoder_open(plugin.instance, $0, &decoder) }
        defer { codec.pointee.decoder_close(decoder) }
        let status = events.withSink { sink in
            withText("a") { text in
                codec.pointee.decoder_frames(decoder, [pb_frame(event: pb_str(), data: text)], 1, sink)
            }
        }
        #expect(status == pb_status(PB_E_STOPPED))
        #expect(events.lines == ["open 1"])
    }

    @Test func encoderStepsByTheSizeOfTheRecords() {
        // Records of a later minor version are longer than those the kit knows.
        let stride = MemoryLayout<pb_event>.size + 24
        let memory = UnsafeMutableRawPointer.allocate(byteCount: stride * 3, alignment: 8)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xAA, count: stride * 3)
        var encoder: UnsafeMutableRawPointer?
        let (opened, _) = withParameters { codec.pointee.encoder_open(plugin.instance, $0, &encoder) }
        #expect(opened == 0)
        defer { codec.pointee.encoder_close(encoder) }
        let (status, text) = withSink { sink in
            withText("xy") { delta in
                for (index, type) in [PB_EVENT_PART_DELTA, PB_EVENT_USAGE, PB_EVENT_END].enumerated() {
                    var event = pb_event()
                    event.size = UInt32(stride)
                    event.type = UInt16(type)
                    event.text = type == PB_EVENT_PART_DELTA ? delta : pb_str()
                    event.output_tokens = .max
                    event.flags = type == PB_EVENT_END ? UInt32(PB_EVENT_CLEAN) : 0
                    (memory + index * stride).assumingMemoryBound(to: pb_event.self).initialize(to: event)
                }
                return codec.pointee.encoder_events(encoder, memory.assumingMemoryBound(to: pb_event.self), 3, sink)
            }
        }
        #expect(status == 0 && text == "xy[-]!")
    }

    @Test func encoderThatCannotBeMadeSaysWhy() {
        var encoder: UnsafeMutableRawPointer?
        let (status, _) = withParameters(flags: 0) { codec.pointee.encoder_open(plugin.instance, $0, &encoder) }
        #expect(status == pb_status(PB_E_UNSUPPORTED) && encoder == nil)
    }

    @Test func heartbeatIsWritten() {
        let (status, text) = withSink { codec.pointee.heartbeat(plugin.instance, $0) }
        #expect(status == 0 && text == ": ka\n\n")
    }
}

let PB_CODEC_STREAM_FLAG = Int(PB_CODEC_STREAM)

private final class LossList {
    var lines: [String] = []
}

/// Collects events as lines.
final class EventList {
    private(set) var lines: [String] = []
    private let limit: Int

    init(limit: Int = .max) { self.limit = limit }

    func withSink<Result>(_ body: (UnsafePointer<pb_event_sink>) -> Result) -> Result {
        var sink = pb_event_sink(
            ctx: Unmanaged.passUnretained(self).toOpaque(),
            emit: { sink, events, count in
                let list = Unmanaged<EventList>.fromOpaque(sink!.pointee.ctx).takeUnretainedValue()
                for index in 0..<Int(count) {
                    guard list.lines.count < list.limit else { return pb_status(PB_E_TOO_LARGE) }
                    list.lines.append(EventList.line(events![index]))
                }
                return 0
            })
        return body(&sink)
    }

    private static func line(_ event: pb_event) -> String {
        func known(_ value: UInt64) -> String { value == .max ? "?" : String(value) }
        return switch Int(event.type) {
        case PB_EVENT_START:
            "start \(event.name.text) \(event.id.text) in=\(known(event.input_tokens)) out=\(known(event.output_tokens))"
        case PB_EVENT_USAGE:
            "usage in=\(known(event.input_tokens)) out=\(known(event.output_tokens))"
                + (event.extra_json.len == 0 ? "" : " \(event.extra_json.text)")
        case PB_EVENT_PART_OPEN: "open \(event.kind)"
        case PB_EVENT_PART_DELTA: "delta \(event.text.text)"
        case PB_EVENT_PART_CLOSE: "close"
        case PB_EVENT_FINISH: "finish \(event.reason) \(event.name.text)"
        case PB_EVENT_ERROR: "error \(event.reason) \(event.id.text) \(event.text.text)"
        case PB_EVENT_END: "end \(event.flags)"
        default: "other \(event.type)"
        }
    }
}
