/// One frame of an event stream: everything up to and including a blank line.
///
/// The buffers point into the chunk given to ``SSEFrameSplitter/next(in:at:)`` or into the splitter. They are valid
/// until the next call on the splitter, as long as the chunk stays where it is.
package struct SSEFrame {
    /// All bytes of the frame, comments and the blank line included, for forwarding it as it came.
    package var raw: UnsafeRawBufferPointer
    /// The value of the last `event` field; nil when there was none.
    package var event: UnsafeRawBufferPointer?
    /// The values of the `data` fields, joined by LF; nil when there was none. A frame without data is no event:
    /// a comment, a keep-alive, an `id` or `retry` field, or a blank line.
    package var data: UnsafeRawBufferPointer?
    /// False when the stream ended before the blank line.
    package var isComplete: Bool

    /// Whether the data says exactly `text`, for terminators such as `[DONE]`.
    package func dataEquals(_ text: StaticString) -> Bool {
        guard let data, data.count == text.utf8CodeUnitCount else { return false }
        return data.elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
