internal import CPatchbay
internal import PatchbayWire

/// Folds the events of a streamed answer into a canonical response document (`sdk/canonical.md`), for a client that
/// did not ask for a stream.
///
/// Keeps the content of the answer and nothing of its frames. What it keeps is bounded by ``limit``; beyond it the
/// decoder is stopped with `PB_E_TOO_LARGE`.
package final class AnswerFold: EventConsumer {
    /// Bytes of content that an answer may have.
    package static let defaultLimit = 64 << 20
    /// The formats allow fewer.
    static let maximumChoices = 128
    static let maximumParts = 16_384
    /// What an event counts beside its text, so that empty ones are bounded too.
    static let costOfEvent = 64

    private let limit: Int
    private var size = 0
    private var id: [UInt8] = []
    private var model: [UInt8] = []
    private var choices: [FoldedChoice] = []
    private var usage = FoldedUsage()
    private var members = FoldedMembers()

    package init(limit: Int = AnswerFold.defaultLimit) {
        self.limit = limit
        super.init()
    }

    override func take(
        _ events: UnsafePointer<pb_event>, _ count: UInt32, _ sink: UnsafePointer<pb_sink>
    ) -> pb_status {
        StreamEvent.forEach(events, count: count) { record in
            let event = StreamEvent(record)
            switch event.kind {
            case .partOpen, .partDelta, .partNote, .finish, .native:
                let cost = event.text.count + event.id.count + event.name.count + event.extra.count
                guard cost + Self.costOfEvent <= limit - min(limit, size) else { return Status.tooLarge }
                size += cost + Self.costOfEvent
                return fold(event)
            case .start:
                id = Array(event.id.prefix(1024))
                model = Array(event.name.prefix(1024))
                usage.merge(event.usage)
            case .usage: usage.merge(event.usage)
            case .partClose, .error, .ping, .end, .settled, nil: break
            }
            return Status.ok
        }
    }

    private func fold(_ event: borrowing StreamEvent) -> pb_status {
        if event.kind == .native {
            members.take(event)
            if event.name.elementsEqual(FoldedMembers.canonicalSpace), event.id.elementsEqual("logprobs".utf8) {
                guard let slot = slot(event.choice) else { return Status.tooLarge }
                choices[slot].logprobs.append(Array(event.extra))
            }
            return Status.ok
        }
        guard let slot = slot(event.choice) else { return Status.tooLarge }
        switch event.kind {
        case .partOpen:
            guard choices[slot].parts.count < Self.maximumParts else { return Status.tooLarge }
            choices[slot].parts.append(FoldedPart(opening: event))
        case .partDelta:
            if choices[slot].parts.indices.contains(event.part) { choices[slot].parts[event.part].append(event) }
        case .partNote:
            if choices[slot].parts.indices.contains(event.part) {
                choices[slot].parts[event.part].notes.append(Array(event.extra))
            }
        case .finish: choices[slot].finish = FoldedFinish(event)
        default: break
        }
        return Status.ok
    }

    /// The position of a choice, which is made if it is new; choices stay sorted by index. Nil if there are too many.
    private func slot(_ index: Int) -> Int? {
        if let position = choices.firstIndex(where: { $0.index == index }) { return position }
        guard choices.count < Self.maximumChoices else { return nil }
        let position = choices.firstIndex { $0.index > index } ?? choices.count
        choices.insert(FoldedChoice(index: index), at: position)
        return position
    }

    /// The canonical response. To be asked for once the stream has ended as its protocol says.
    package func document() -> [UInt8] {
        var room: [UInt8] = []
        room.reserveCapacity(size + 512)
        var writer = JSONWriter(appendingTo: room)
        writer.beginObject()
        writer.key("canon")
        writer.number(1)
        writer.member("id", id)
        if let created = members.created {
            writer.key("created")
            writer.checked(created)
        }
        writer.member("model", model)
        writer.key("choices")
        writer.beginArray()
        for choice in choices { choice.write(into: &writer) }
        writer.endArray()
        usage.write(into: &writer)
        if let tier = members.serviceTier {
            writer.key("service_tier")
            writer.checked(tier)
        }
        if let native = members.native {
            writer.key("native")
            writer.checked(native)
        }
        writer.endObject()
        return writer.bytes
    }
}
