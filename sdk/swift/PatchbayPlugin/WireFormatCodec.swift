/// A wire format: whole documents and stream state machines. Everything is pure: no I/O, no clock, no random source.
///
/// Canonical documents are described in `sdk/canonical.md`.
public protocol WireFormatCodec: Plugin {
    associatedtype Decoder: WireDecoder
    associatedtype Encoder: WireEncoder

    /// How the frames of a stream are separated; the host does the framing.
    static var framing: Framing { get }

    /// A request of this format → canonical request. Throws ``PluginError/Code/invalid`` for errors of form.
    func requestToCanonical(_ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter)
        throws
    /// Canonical request → a request of this format.
    func requestFromCanonical(_ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter)
        throws
    /// A complete answer with status 2xx → canonical response.
    func responseToCanonical(_ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter)
        throws
    /// Canonical response → a complete answer of this format.
    func responseFromCanonical(_ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter)
        throws
    /// Reads from a complete answer what accounting needs: start, usage, finish per choice, and error if it is one in
    /// disguise. Throws ``PluginError/Code/invalid`` if it is no answer of this format.
    func tapResponse(_ wire: ByteView, _ parameters: ConversionParameters, into events: inout EventWriter) throws
    /// An error answer with any body → canonical error. Never fails for odd bodies.
    func errorToCanonical(
        status: Int, _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter)
    /// Canonical error → body of this format; returns the HTTP status that goes with it.
    func errorFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws -> Int

    /// Makes a decoder; it copies what it keeps of `parameters`.
    func makeDecoder(_ parameters: ConversionParameters) throws -> Decoder
    /// Makes an encoder; it copies what it keeps of `parameters`.
    func makeEncoder(_ parameters: ConversionParameters) throws -> Encoder

    /// Bytes that keep a silent stream alive without meaning anything. Writes nothing if the format has none.
    func heartbeat(into wire: inout ByteWriter)
}

extension WireFormatCodec {
    public static var framing: Framing { .sse }
    public func heartbeat(into wire: inout ByteWriter) {}
}

/// Frames of one streamed answer → events. Called serially; the thread may change between calls.
public protocol WireDecoder {
    /// Takes the complete frames of one read. Odd content becomes an error event.
    mutating func frames(_ frames: FrameBatch, into events: inout EventWriter)
    /// No more frames. Emits what is outstanding, and the end event. Called once at most.
    mutating func finish(_ reason: StreamEnd, into events: inout EventWriter)
    /// What `frame`, which was the last one that the decoder was given, has in common with those that may follow; see
    /// ``FramePattern`` for what is promised with it. Nil promises nothing.
    mutating func pattern(of frame: Frame) -> FramePattern?
}

extension WireDecoder {
    public func pattern(of frame: Frame) -> FramePattern? { nil }
}

/// Events → bytes of one streamed answer, framing included. Called serially; the thread may change between calls.
public protocol WireEncoder {
    mutating func events(_ events: EventBatch, into wire: inout ByteWriter)
    /// What stands around the text of such a delta; see ``FrameSides`` for what is promised with it. Nil promises
    /// nothing.
    func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides?
}

extension WireEncoder {
    public func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides? { nil }
}
