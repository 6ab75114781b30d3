import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads from a complete answer what accounting needs, in one pass and without a tree of it.
struct ChatResponseTap {
    private let body: UnsafeRawBufferPointer
    private var id: JSONField?
    private var model: JSONField?
    private var usage: JSONField?
    private var choices: JSONField?
    private var hasError = false

    init(_ body: UnsafeRawBufferPointer) throws(ConversionError) {
        self.body = body
        do throws(JSONError) {
            try JSONWalk.members(of: body) { note($0) }
        } catch {
            throw .invalid("the answer is not valid JSON: \(error.message)")
        }
    }

    private mutating func note(_ member: JSONWalkMember) {
        if member.isNamed("id") {
            id = member.field
        } else if member.isNamed("model") {
            model = member.field
        } else if member.isNamed("usage") {
            usage = member.field
        } else if member.isNamed("choices") {
            choices = member.field
        } else if member.isNamed("error") {
            hasError = member.field.kind != .null
        }
    }

    /// Start, usage and finishes; or the error that stands in the place of an answer.
    func send<Receiver: TapReceiver>(to receiver: inout Receiver) throws(ConversionError) {
        guard let choices, choices.kind == .array, !(hasError && isEmpty(choices)) else {
            let error = try disguisedError()
            receiver.tapStart(id: .absent, model: .absent)
            return receiver.tapError(error)
        }
        withText(id) { id in withText(model) { model in receiver.tapStart(id: id, model: model) } }
        if let usage, usage.kind == .object {
            let counts = ChatUsage(scanning: usage.bytes(in: body)).counts
            if !counts.isEmpty { receiver.tapUsage(counts) }
        }
        finishes(choices) { index, finish in receiver.tapFinish(choice: index, finish) }
    }

    /// The text of a string; that of anything else is empty. Without escapes it is not copied.
    private func withText(_ field: JSONField?, _ use: (ByteView) -> Void) {
        guard let field, field.hasEscapes, var text = field.string(in: body) else {
            return use(field?.rawString(in: body).map { ByteView($0) } ?? .absent)
        }
        text.withUTF8 { use(ByteView(UnsafeRawBufferPointer($0))) }
    }

    private func isEmpty(_ array: JSONField) -> Bool {
        !array.bytes(in: body).dropFirst().dropLast().contains { $0 > 0x20 }
    }

    private func finishes(_ choices: JSONField, _ use: (Int, CanonicalFinish) -> Void) {
        let bytes = choices.bytes(in: body)
        var index: Int?
        var word = ""
        // The array is part of a document that has been checked.
        try? JSONWalk.elementMembers(of: bytes) { _, member in
            if member.isNamed("index") {
                index = member.field.int(in: bytes)
            } else if member.isNamed("finish_reason") {
                word = member.field.string(in: bytes) ?? ""
            }
        } end: { position in
            use(index ?? position, ChatFormat.finish(word) ?? CanonicalFinish(.stop))
            (index, word) = (nil, "")
        }
    }

    /// An error with status 200; anything else is no answer of the format.
    private func disguisedError() throws(ConversionError) -> CanonicalError {
        guard let document = try? JSONValue(parsing: body),
            ["error", "message", "msg", "detail", "errors"].contains(where: { !(document[$0]?.isNull ?? true) })
        else { throw .invalid("`choices` must be an array in an answer of openai.chat") }
        return CanonicalError(format: ChatFormat.id, status: nil, body: ErrorBody(document))
    }
}
