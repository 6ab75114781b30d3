package import PatchbayPlugin
package import PatchbayWire

/// A wire format for conversations, as pure functions between documents and the shared model.
///
/// ``ConversationFormat/codec`` functions of the extension bind it to the codec interface of the plugin kit.
package protocol ConversationFormat {
    associatedtype Decoder: AnswerDecoder
    associatedtype Encoder: AnswerEncoder

    static func readRequest(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalRequest
    static func writeRequest(
        _ request: consuming CanonicalRequest, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8]
    static func readResponse(
        _ document: JSONNode, context: inout ConversionContext
    ) throws(ConversionError) -> CanonicalResponse
    static func writeResponse(
        _ response: CanonicalResponse, context: inout ConversionContext
    ) throws(ConversionError) -> [UInt8]
    /// Start, usage, finishes, or an error in disguise.
    static func tapResponse(_ body: UnsafeRawBufferPointer) throws(ConversionError) -> [AnswerEvent]
    /// The same, straight to the host. Formats that can do it without a list override it.
    static func tapResponse(
        _ body: UnsafeRawBufferPointer, into events: inout EventWriter
    ) throws(ConversionError)
    static func readError(status: Int, _ body: UnsafeRawBufferPointer) -> CanonicalError
    static func writeError(_ error: CanonicalError) -> (status: Int, body: [UInt8])
    static func makeDecoder(_ context: ConversionContext) -> Decoder
    static func makeEncoder(_ context: ConversionContext) -> Encoder
    static var heartbeat: StaticString { get }
    /// Answers repeat what the request said, so that writers and encoders need ``ConversionContext/echo``.
    static var echoesRequest: Bool { get }
}

extension ConversationFormat {
    package static var echoesRequest: Bool { false }
}

extension ConversationFormat {
    package static func tapResponse(
        _ body: UnsafeRawBufferPointer, into events: inout EventWriter
    ) throws(ConversionError) {
        for event in try tapResponse(body) { event.send(to: &events) }
    }
}

/// Frames of a streamed answer to events.
package protocol AnswerDecoder {
    /// Takes one complete frame; `name` is the event name and may be empty.
    mutating func frame(
        event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, into events: inout [AnswerEvent])
    /// The transport delivers nothing more. Appends what is outstanding, and the end.
    mutating func finish(_ ending: StreamEnd, into events: inout [AnswerEvent])
    /// What the frame taken last has in common with those that may follow; ``FramePattern`` says what is promised.
    mutating func pattern(event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> FramePattern?
}

extension AnswerDecoder {
    package func pattern(event name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> FramePattern? { nil }
}

/// Events to the bytes of a streamed answer.
package protocol AnswerEncoder {
    mutating func encode(_ event: AnswerEvent, into output: inout [UInt8])
    /// What stands around the text of such a delta; ``FrameSides`` says what is promised.
    func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides?
}

extension AnswerEncoder {
    package func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides? { nil }
}
