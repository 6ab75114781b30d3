internal import CPatchbay

/// What the events of a streamed answer are handed to: a writer of another format, or a fold into a document.
///
/// For one thread at a time.
package class EventConsumer {
    init() {}

    /// Takes events; bytes for the client go to `sink`. A negative code stops the decoder.
    func take(_ events: UnsafePointer<pb_event>, _ count: UInt32, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        Status.ok
    }

    /// What stands around the text of a delta in the bytes that are made of it, as long as no other event comes; nil if
    /// every event has to be seen.
    func sides(choice: UInt32, part: UInt32, field: UInt32) -> (before: [UInt8], behind: [UInt8])? {
        nil
    }
}
