/// A codec, decoder or encoder whose type the C boundary need not know.
class AnyCodec: @unchecked Sendable {  // immutable; the one subclass holds a Sendable codec
    let codec: any WireFormatCodec
    let framing: Framing

    fileprivate init(_ codec: any WireFormatCodec, framing: Framing) {
        self.codec = codec
        self.framing = framing
    }

    static func wrap<C: WireFormatCodec>(_ codec: C) -> AnyCodec { TypedCodec(codec) }

    func makeDecoder(_ parameters: ConversionParameters) throws -> AnyDecoder { fatalError("abstract") }
    func makeEncoder(_ parameters: ConversionParameters) throws -> AnyEncoder { fatalError("abstract") }
}

private final class TypedCodec<C: WireFormatCodec>: AnyCodec, @unchecked Sendable {  // as its superclass
    let typed: C

    init(_ codec: C) {
        typed = codec
        super.init(codec, framing: C.framing)
    }

    override func makeDecoder(_ parameters: ConversionParameters) throws -> AnyDecoder {
        TypedDecoder(try typed.makeDecoder(parameters))
    }

    override func makeEncoder(_ parameters: ConversionParameters) throws -> AnyEncoder {
        TypedEncoder(try typed.makeEncoder(parameters))
    }
}

class AnyDecoder {
    func frames(_ frames: FrameBatch, into events: inout EventWriter) {}
    func finish(_ reason: StreamEnd, into events: inout EventWriter) {}
    func pattern(of frame: Frame) -> FramePattern? { nil }
}

private final class TypedDecoder<D: WireDecoder>: AnyDecoder {
    private var decoder: D

    init(_ decoder: D) { self.decoder = decoder }

    override func frames(_ frames: FrameBatch, into events: inout EventWriter) { decoder.frames(frames, into: &events) }
    override func finish(_ reason: StreamEnd, into events: inout EventWriter) { decoder.finish(reason, into: &events) }
    override func pattern(of frame: Frame) -> FramePattern? { decoder.pattern(of: frame) }
}

class AnyEncoder {
    func events(_ events: EventBatch, into wire: inout ByteWriter) {}
    func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides? { nil }
}

private final class TypedEncoder<E: WireEncoder>: AnyEncoder {
    private var encoder: E

    init(_ encoder: E) { self.encoder = encoder }

    override func events(_ events: EventBatch, into wire: inout ByteWriter) { encoder.events(events, into: &wire) }
    override func sides(choice: Int, part: Int, _ field: PartField) -> FrameSides? {
        encoder.sides(choice: choice, part: part, field)
    }
}
