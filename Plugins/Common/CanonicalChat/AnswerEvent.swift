package import PatchbayPlugin

/// One event of a streamed answer: the Swift form of `pb_event`.
package struct AnswerEvent: Sendable, Hashable {
    package var type: EventType
    package var choice: Int = 0
    package var part: Int = 0
    package var kind: PartKind?
    package var field: PartField?
    /// PB_FINISH_ of a finish, PB_CATEGORY_ of an error.
    package var reason: UInt32 = 0
    /// On end: the protocol's own end was seen.
    package var clean = false
    /// Nil except for ``settled(_:)``.
    package var isSettled: Bool?
    package var text = ""
    package var id = ""
    package var name = ""
    package var usage = TokenCounts()
    /// JSON text.
    package var extra = ""

    package init(_ type: EventType) {
        self.type = type
    }

    package static let ping = AnswerEvent(.ping)

    /// Whether the answer would be whole if the transport ended now; for protocols without an end of their own.
    package static func settled(_ isSettled: Bool) -> AnswerEvent {
        var event = AnswerEvent(.other)
        event.isSettled = isSettled
        return event
    }

    package static func start(id: String, model: String, usage: TokenCounts = TokenCounts()) -> AnswerEvent {
        var event = AnswerEvent(.start)
        event.id = id
        event.name = model
        event.usage = usage
        return event
    }

    package static func open(
        _ choice: Int, _ part: Int, _ kind: PartKind, id: String = "", name: String = "", extra: String = ""
    ) -> AnswerEvent {
        var event = AnswerEvent(.partOpen)
        event.choice = choice
        event.part = part
        event.kind = kind
        event.id = id
        event.name = name
        event.extra = extra
        return event
    }

    package static func delta(_ choice: Int, _ part: Int, _ field: PartField, _ text: String) -> AnswerEvent {
        var event = AnswerEvent(.partDelta)
        event.choice = choice
        event.part = part
        event.field = field
        event.text = text
        return event
    }

    /// An opaque value; `name` is its kind, after the provider it is bound to and a colon where that is known.
    package static func opaque(_ choice: Int, _ part: Int, _ opaque: CanonicalOpaque) -> AnswerEvent {
        var event = AnswerEvent.delta(choice, part, .opaque, opaque.data)
        event.name = opaque.provider.map { "\($0):\(opaque.kind)" } ?? opaque.kind
        return event
    }

    package static func note(_ choice: Int, _ part: Int, _ annotation: String) -> AnswerEvent {
        var event = AnswerEvent(.partNote)
        event.choice = choice
        event.part = part
        event.extra = annotation
        return event
    }

    package static func close(_ choice: Int, _ part: Int) -> AnswerEvent {
        var event = AnswerEvent(.partClose)
        event.choice = choice
        event.part = part
        return event
    }

    package static func finish(_ choice: Int, _ finish: CanonicalFinish) -> AnswerEvent {
        var event = AnswerEvent(.finish)
        event.choice = choice
        event.reason = finish.reason.rawValue
        event.text = finish.stopSequence ?? ""
        event.name = finish.native ?? ""
        return event
    }

    package static func usage(_ usage: TokenCounts) -> AnswerEvent {
        var event = AnswerEvent(.usage)
        event.usage = usage
        return event
    }

    package static func error(_ error: CanonicalError) -> AnswerEvent {
        var event = AnswerEvent(.error)
        event.reason = error.category.rawValue
        event.text = error.message
        event.id = error.code ?? ""
        event.name = error.type ?? ""
        return event
    }

    package static func end(clean: Bool) -> AnswerEvent {
        var event = AnswerEvent(.end)
        event.clean = clean
        return event
    }

    package static func native(format: String, name: String, data: String) -> AnswerEvent {
        var event = AnswerEvent(.native)
        event.name = format
        event.id = name
        event.extra = data
        return event
    }

    /// A member of the response document that has no event of its own: `created`, `service_tier`, `native`, or the
    /// next fragment of a choice's `logprobs`.
    package static func canonical(_ member: String, choice: Int = 0, data: String) -> AnswerEvent {
        var event = native(format: "canon", name: member, data: data)
        event.choice = choice
        return event
    }

    /// The opaque value of such a delta.
    package var opaqueValue: CanonicalOpaque {
        let words = name.split(separator: ":", maxSplits: 1)
        guard words.count == 2 else { return CanonicalOpaque(kind: name, provider: nil, data: text) }
        return CanonicalOpaque(kind: String(words[1]), provider: String(words[0]), data: text)
    }

    /// The finish of a finish event.
    package var finishValue: CanonicalFinish {
        CanonicalFinish(
            FinishReason(rawValue: reason) ?? .other, native: name.isEmpty ? nil : name,
            stopSequence: text.isEmpty ? nil : text)
    }

    /// The error of an error event.
    package var errorValue: CanonicalError {
        var error = CanonicalError(ErrorCategory(rawValue: reason) ?? .server, message: text)
        error.code = id.isEmpty ? nil : id
        error.type = name.isEmpty ? nil : name
        return error
    }
}
