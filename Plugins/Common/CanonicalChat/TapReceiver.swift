package import PatchbayPlugin
import PatchbayWire

/// Takes what accounting needs of a complete answer: events for the host, or a list of them.
package protocol TapReceiver {
    mutating func tapStart(id: ByteView, model: ByteView)
    mutating func tapUsage(_ counts: TokenCounts)
    mutating func tapFinish(choice: Int, _ finish: CanonicalFinish)
    /// - Parameter native: The reason as the upstream wrote it.
    mutating func tapFinish(choice: Int, _ reason: FinishReason, native: ByteView)
    mutating func tapError(_ error: CanonicalError)
}

extension EventWriter: TapReceiver {
    package mutating func tapStart(id: ByteView, model: ByteView) { start(id: id, model: model) }
    package mutating func tapUsage(_ counts: TokenCounts) { usage(counts.counters) }
    package mutating func tapError(_ error: CanonicalError) { AnswerEvent.error(error).send(to: &self) }

    package mutating func tapFinish(choice: Int, _ finish: CanonicalFinish) {
        self.finish(choice: choice, finish.reason, stopSequence: finish.stopSequence, native: finish.native)
    }

    package mutating func tapFinish(choice: Int, _ reason: FinishReason, native: ByteView) {
        finish(choice: choice, reason, native: native)
    }
}

extension [AnswerEvent]: TapReceiver {
    package mutating func tapStart(id: ByteView, model: ByteView) {
        append(.start(id: id.string, model: model.string))
    }
    package mutating func tapUsage(_ counts: TokenCounts) { append(.usage(counts)) }
    package mutating func tapFinish(choice: Int, _ finish: CanonicalFinish) { append(.finish(choice, finish)) }
    package mutating func tapFinish(choice: Int, _ reason: FinishReason, native: ByteView) {
        append(.finish(choice, CanonicalFinish(reason, native: native.string)))
    }
    package mutating func tapError(_ error: CanonicalError) { append(.error(error)) }
}

extension JSONField? {
    /// The text of a string; that of anything else is empty. Without escapes it is not copied.
    package func withText(in document: UnsafeRawBufferPointer, _ use: (ByteView) -> Void) {
        guard let self, self.hasEscapes, var text = self.string(in: document) else {
            return use(self?.rawString(in: document).map { ByteView($0) } ?? .absent)
        }
        text.withUTF8 { use(ByteView(UnsafeRawBufferPointer($0))) }
    }
}

extension CanonicalError {
    /// An error that came with status 200 in the place of an answer; nil if the document is none.
    package init?(disguisedIn body: UnsafeRawBufferPointer, format: String) {
        guard let document = try? JSONValue(parsing: body),
            ["error", "message", "msg", "detail", "errors"].contains(where: { !(document[$0]?.isNull ?? true) })
        else { return nil }
        self.init(format: format, status: nil, body: ErrorBody(document))
    }
}
