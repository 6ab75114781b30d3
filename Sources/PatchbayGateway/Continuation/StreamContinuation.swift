import PatchbayCore
import PatchbayHost
import PatchbayWire

/// Watches what the client gets of one attempt, on routes whose cut streams are continued. Nil everywhere else.
final class StreamDelivery {
    let stream: ContinuedStream
    /// Reads frames that are passed on as they are; nil where the stream is written anew, and its events are seen.
    private let decoder: StreamDecoder?
    private var tap = StreamTap()
    /// What the client has got is known.
    private(set) var isKnown = true

    init(_ stream: ContinuedStream, decoder: StreamDecoder? = nil) {
        self.stream = stream
        self.decoder = decoder
    }

    /// The frame with an error that the client gets if nobody goes on; nil if it would not take it for one.
    private var failure: [UInt8]?

    func hold(_ frame: SSEFrame?) {
        failure = frame.map { Array($0.raw) }
    }

    /// The error as the client would have got it at once; nil if there is no form for it.
    func failure(_ error: StreamErrorInfo) -> [UInt8]? { failure ?? stream.failure(error) }

    /// Takes note of a frame that the client gets.
    func note(_ frame: SSEFrame) {
        guard let decoder, isKnown, let data = frame.data else { return }
        var output: [UInt8] = []
        let event = frame.event ?? UnsafeRawBufferPointer(start: nil, count: 0)
        do {
            try decoder.frame(StreamFrame(event: event, data: data), to: stream, output: &output, tap: &tap)
        } catch {
            isKnown = false
        }
    }
}

/// What an exchange keeps from the moment at which its stream has broken off and another attempt is to go on with it.
final class StreamContinuation {
    let stream: ContinuedStream
    /// What the client is told if nobody goes on.
    var error: GatewayError
    /// Of the attempts that have broken off.
    var usage: TokenUsage
    /// The answer's id as the client knows it, where the writer would give it another one.
    var id: String?
    /// Where the attempt that broke last stands among the attempts of the request.
    var broken: Int
    /// Characters that the client had when it broke.
    var characters: Int
    /// Somebody has gone on.
    var wasContinued = false

    init(_ stream: ContinuedStream, error: GatewayError, usage: TokenUsage, broken: Int) {
        characters = stream.delivered.characters
        self.stream = stream
        self.error = error
        self.usage = usage
        self.broken = broken
    }

    /// What the ledger says beside the losses of conversions.
    var warnings: [String] { wasContinued ? ["stream.continued;info"] : [] }

    /// Whole frames of the writer, with the id that the client knows.
    func identified(_ chunk: [UInt8]) -> [UInt8] {
        guard let id else { return chunk }
        var output: [UInt8] = []
        output.reserveCapacity(chunk.count + 64)
        var splitter = SSEFrameSplitter(maxFrameBytes: Exchange.maximumDocumentBytes)
        let whole: Void? = try? chunk.withUnsafeBytes { bytes in
            var position = 0
            while let frame = try splitter.next(in: bytes, at: &position) {
                if !StreamEdit.appendIdentified(frame, as: id, into: &output) { output.append(contentsOf: frame.raw) }
            }
        }
        return whole == nil ? chunk : output
    }
}

extension StreamEdit {
    /// Appends the frame with its id replaced at the top level. False when it has none there.
    static func appendIdentified(_ frame: SSEFrame, as id: String, into output: inout [UInt8]) -> Bool {
        guard let source = frame.data, source.first == UInt8(ascii: "{"),
            let found = try? JSONFieldScanner.scanTopLevel(source, names: ["id"]), found[0]?.kind == .string
        else { return false }
        var data: [UInt8] = []
        guard (try? JSONPatch.apply([.set("id", string: id)], to: source, into: &data)) != nil else { return false }
        append(frame, with: data, to: &output)
        return true
    }
}
