internal import CPatchbay
internal import PatchbayWire

/// Turns events into the bytes of a streamed answer, framing included.
///
/// For one thread at a time. Closed when it is released.
package final class StreamEncoder: EventConsumer {
    private let codec: FormatCodec
    private let handle: UnsafeMutableRawPointer?

    init(_ codec: FormatCodec, _ handle: UnsafeMutableRawPointer?) {
        self.codec = codec
        self.handle = handle
        super.init()
    }

    var pluginID: String { codec.pluginID }

    deinit {
        codec.table.encoder_close(handle)
    }

    override func take(
        _ events: UnsafePointer<pb_event>, _ count: UInt32, _ sink: UnsafePointer<pb_sink>
    ) -> pb_status {
        codec.table.encoder_events(handle, events, count, sink)
    }

    override func sides(choice: UInt32, part: UInt32, field: UInt32) -> (before: [UInt8], behind: [UInt8])? {
        guard let pattern = codec.table.encoder_pattern else { return nil }
        var before = ByteSink(limit: FrameShortcut.maximumBytes)
        var behind = ByteSink(limit: FrameShortcut.maximumBytes)
        let status = before.withSink { before in
            behind.withSink { behind in pattern(handle, choice, part, field, before, behind) }
        }
        guard status == Status.ok, !before.isFull, !behind.isFull else { return nil }
        return (before.bytes, behind.bytes)
    }

    /// Ends the stream with an error in the format's own form, for failures that no decoder knows about.
    package func fail(_ error: StreamErrorInfo, output: inout [UInt8]) throws(PluginError) {
        var message = error.message
        var code = error.code
        var type = error.type
        var target = ByteSink(reusing: FormatCodec.take(&output), limit: FormatCodec.documentLimit)
        let status = message.withUTF8 { message in
            code.withUTF8 { code in
                type.withUTF8 { type in
                    var events = [pb_event(), pb_event()]
                    events[0].size = UInt32(MemoryLayout<pb_event>.size)
                    events[0].type = UInt16(PB_EVENT_ERROR)
                    events[0].reason = error.category.rawValue
                    events[0].text = pb_str(UnsafeRawBufferPointer(message))
                    events[0].id = code.isEmpty ? .absent : pb_str(UnsafeRawBufferPointer(code))
                    events[0].name = type.isEmpty ? .absent : pb_str(UnsafeRawBufferPointer(type))
                    events[1].size = UInt32(MemoryLayout<pb_event>.size)
                    events[1].type = UInt16(PB_EVENT_END)
                    return target.withSink { take(events, 2, $0) }
                }
            }
        }
        output = FormatCodec.take(&target.bytes)
        guard status == Status.ok else {
            throw PluginError(status: status, sink: ByteSink(), doing: "write an error", plugin: codec.pluginID)
        }
    }
}
