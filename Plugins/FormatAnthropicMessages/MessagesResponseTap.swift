import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads from a complete answer what accounting needs, in one pass and without a tree of it.
struct MessagesResponseTap {
    private let body: UnsafeRawBufferPointer
    private var id: JSONField?
    private var model: JSONField?
    private var stopReason: JSONField?
    private var stopSequence: JSONField?
    private var usage = MessagesUsage()
    private var hasContent = false
    private var hasError = false

    init(_ body: UnsafeRawBufferPointer) throws(ConversionError) {
        self.body = body
        do throws(JSONError) {
            var reader = try JSONReader(body)
            if try reader.isAtObject() {
                try reader.object { name, reader throws(JSONError) in try read(name, &reader) }
            } else {
                _ = try reader.value()
            }
            try reader.expectEnd()
        } catch {
            throw .invalid("the answer is not valid JSON: \(error.message)")
        }
    }

    @inline(__always)
    private mutating func read(_ name: JSONMemberName, _ reader: inout JSONReader) throws(JSONError) {
        if name.equals("usage") {
            usage = MessagesUsage()
            return try usage.read(&reader, of: body)
        }
        let field = try reader.value()
        if name.equals("id") {
            id = field
        } else if name.equals("model") {
            model = field
        } else if name.equals("content") {
            if case .array = field.kind { hasContent = true } else { hasContent = false }
        } else if name.equals("stop_reason") {
            stopReason = field
        } else if name.equals("stop_sequence") {
            stopSequence = field
        } else if name.equals("error") {
            if case .null = field.kind { hasError = false } else { hasError = true }
        }
    }

    /// Start, usage and finish; or the error that stands in the place of an answer.
    func send<Receiver: TapReceiver>(to receiver: inout Receiver) throws(ConversionError) {
        guard hasContent, !hasError else {
            guard let error = CanonicalError(disguisedIn: body, format: MessagesFormat.id) else {
                throw .invalid("`content` must be an array in an answer of anthropic.messages")
            }
            receiver.tapStart(id: .absent, model: .absent)
            return receiver.tapError(error)
        }
        id.withText(in: body) { id in model.withText(in: body) { model in receiver.tapStart(id: id, model: model) } }
        let counts = usage.counts
        if !counts.isEmpty { receiver.tapUsage(counts) }
        let sequence = stopSequence?.string(in: body)
        if sequence == nil, let stopReason, let raw = stopReason.rawString(in: body), raw.elementsEqual("end_turn".utf8)
        {
            return receiver.tapFinish(choice: 0, .stop, native: ByteView(raw))
        }
        let word = stopReason?.string(in: body) ?? "end_turn"
        receiver.tapFinish(choice: 0, MessagesFormat.finish(word, stopSequence: sequence))
    }
}
