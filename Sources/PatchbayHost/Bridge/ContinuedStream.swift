internal import CPatchbay
package import PatchbayCore

/// One streamed answer that several attempts write: watches what the client gets of the first, and lets the events of
/// the next ones follow as if nothing had happened.
///
/// Sits before the writer of the client's format. Where the upstream's own bytes are passed on there is no writer until
/// the stream breaks; then ``restore(into:)`` brings one to the point that the client has reached. Errors and ends that
/// are not clean are held back, because the stream may go on.
///
/// In a continuation the text goes on in the part that is open, other parts get the next indexes, usage is added up,
/// and what repeats the end of the text is dropped. So is reasoning, which would stand in the middle of the answer.
///
/// For one thread at a time.
package final class ContinuedStream: EventConsumer {
    /// What becomes of a part of a continuation.
    private enum Place {
        /// It has this index in the answer as a whole.
        case at(UInt32)
        case dropped
    }

    package private(set) var delivered = DeliveredAnswer()
    /// Where the events go; nil = they are only watched.
    private var next: EventConsumer?
    /// An attempt goes on with what another one began.
    private var isContinuation = false
    /// What the attempts before have used.
    private var carried = TokenUsage()
    private var places: [UInt32: Place] = [:]
    private var trimmer: OverlapTrimmer?
    /// The part of the continuation whose text is trimmed; nil = it has had no text.
    private var trimmedPart: UInt32?

    package init(next: EventConsumer? = nil) {
        self.next = next
        super.init()
    }

    /// Somebody writes the events for the client; if not, it gets the upstream's own bytes.
    package var isWritten: Bool { next != nil }

    /// The bytes with which the writer ends the stream in an error; nil without a writer.
    package func failure(_ error: StreamErrorInfo) -> [UInt8]? {
        guard let writer = next as? StreamEncoder else { return nil }
        var output: [UInt8] = []
        do throws(PluginError) {
            try writer.fail(error, output: &output)
            return output
        } catch {
            return nil
        }
    }

    // MARK: - Continuing

    /// Brings a writer of the client's format to the point that the client has reached, and hands it all later events.
    ///
    /// - Returns: What it wrote on the way, which the client has in another form already.
    package func restore(into writer: EventConsumer) -> [UInt8] {
        next = writer
        var target = ByteSink(limit: FormatCodec.documentLimit)
        delivered.id.withUnsafeBytes { id in
            delivered.model.withUnsafeBytes { model in
                var start = Self.event(PB_EVENT_START)
                Self.fill(&start, TokenUsage())
                start.id = id.isEmpty ? .absent : pb_str(id)
                start.name = model.isEmpty ? .absent : pb_str(model)
                _ = target.withSink { writer.take(&start, 1, $0) }
            }
        }
        for (position, part) in delivered.parts.enumerated() {
            let end = position + 1 < delivered.parts.count ? delivered.parts[position + 1].start : delivered.text.count
            restore(part, delivered.text[part.start..<end], writer, &target)
        }
        return target.bytes
    }

    private func restore(
        _ part: DeliveredAnswer.Part, _ text: ArraySlice<UInt8>, _ writer: EventConsumer, _ target: inout ByteSink
    ) {
        var open = Self.event(PB_EVENT_PART_OPEN, part: part.index)
        open.kind = UInt32(part.isText ? PB_PART_TEXT : PB_PART_REASONING)
        _ = target.withSink { writer.take(&open, 1, $0) }
        // Writers open some parts with their first text only.
        let text = text.isEmpty ? [0x20] : text
        text.withUnsafeBytes { text in
            var delta = Self.event(PB_EVENT_PART_DELTA, part: part.index)
            delta.field = UInt32(PB_FIELD_TEXT)
            delta.text = pb_str(text)
            _ = target.withSink { writer.take(&delta, 1, $0) }
        }
        guard !part.isOpen else { return }
        var close = Self.event(PB_EVENT_PART_CLOSE, part: part.index)
        _ = target.withSink { writer.take(&close, 1, $0) }
    }

    /// The next events come from another attempt.
    ///
    /// - Parameter usage: What all attempts so far have used; nil counters are unknown.
    package func goOn(after usage: TokenUsage) {
        isContinuation = true
        carried = usage
        places = [:]
        trimmedPart = nil
        trimmer = OverlapTrimmer(after: delivered.beginning, space: delivered.trailingSpace)
    }

    // MARK: - Events

    override func take(
        _ events: UnsafePointer<pb_event>, _ count: UInt32, _ sink: UnsafePointer<pb_sink>
    ) -> pb_status {
        StreamEvent.forEach(events, count: count) { record in
            let event = StreamEvent(record)
            switch event.kind {
            case .error: return Status.ok
            case .end where !event.isClean: return Status.ok
            default: return isContinuation ? goOn(record, sink) : pass(record, sink)
            }
        }
    }

    private func pass(_ record: UnsafePointer<pb_event>, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        delivered.observe(StreamEvent(record))
        return next?.take(record, 1, sink) ?? Status.ok
    }

    private func goOn(_ record: UnsafePointer<pb_event>, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        let event = StreamEvent(record)
        switch event.kind {
        case .start, .usage: return addUsage(event, sink)
        case .partOpen: return open(record, sink)
        case .partDelta: return delta(record, sink)
        case .partClose: return close(record, sink)
        case .finish, .end:
            let status = closeUnfinished(sink)
            return status < 0 ? status : pass(record, sink)
        // Places in the text that annotations name are those of the continuation alone.
        case .partNote, .native: return Status.ok
        case .ping, .settled, nil: return pass(record, sink)
        case .error: return Status.ok
        }
    }

    private func addUsage(_ event: borrowing StreamEvent, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        let usage = event.usage
        guard usage != TokenUsage() else { return Status.ok }
        var sum = Self.event(PB_EVENT_USAGE)
        Self.fill(&sum, usage.adding(carried))
        if usage.estimated || carried.estimated { sum.flags |= UInt32(PB_EVENT_ESTIMATED) }
        return pass(&sum, sink)
    }

    private func open(_ record: UnsafePointer<pb_event>, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        let part = record.pointee.part
        guard record.pointee.choice == 0, places.count < DeliveredAnswer.maximumParts else { return Status.ok }
        switch Int(record.pointee.kind) {
        case PB_PART_REASONING, PB_PART_REASONING_REDACTED:
            places[part] = .dropped
            return Status.ok
        case PB_PART_TEXT where trimmedPart == nil:
            trimmedPart = part
            guard let open = delivered.openPart else { return openNew(record, sink) }
            places[part] = .at(open)
            return Status.ok
        default:
            let status = closeUnfinished(sink)
            return status < 0 ? status : openNew(record, sink)
        }
    }

    private func openNew(_ record: UnsafePointer<pb_event>, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        let index = max(delivered.nextPart, highestPlace + 1)
        places[record.pointee.part] = .at(index)
        return pass(record, at: index, sink)
    }

    private var highestPlace: UInt32 {
        places.values.reduce(0) { highest, place in
            if case .at(let index) = place { max(highest, index) } else { highest }
        }
    }

    private func delta(_ record: UnsafePointer<pb_event>, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        let part = record.pointee.part
        guard record.pointee.choice == 0, case .at(let index)? = places[part] else { return Status.ok }
        guard part == trimmedPart, record.pointee.field == UInt32(PB_FIELD_TEXT) else {
            return pass(record, at: index, sink)
        }
        return text(trimmer?.take(record.pointee.text.bytes) ?? [], at: index, sink)
    }

    private func close(_ record: UnsafePointer<pb_event>, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        let part = record.pointee.part
        guard record.pointee.choice == 0, case .at(let index)? = places[part] else { return Status.ok }
        if part == trimmedPart {
            let status = flush(sink)
            if status < 0 { return status }
        }
        return pass(record, at: index, sink)
    }

    /// Nothing more comes for the part that the continuation began with.
    private func closeUnfinished(_ sink: UnsafePointer<pb_sink>) -> pb_status {
        let status = flush(sink)
        guard status >= 0, let open = delivered.openPart else { return status }
        var close = Self.event(PB_EVENT_PART_CLOSE, part: open)
        return pass(&close, sink)
    }

    /// Hands on the text that was held back.
    private func flush(_ sink: UnsafePointer<pb_sink>) -> pb_status {
        guard let part = trimmedPart, case .at(let index)? = places[part] else { return Status.ok }
        return text(trimmer?.finish() ?? [], at: index, sink)
    }

    private func text(_ text: [UInt8], at index: UInt32, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        guard !text.isEmpty else { return Status.ok }
        return text.withUnsafeBytes { text in
            var event = Self.event(PB_EVENT_PART_DELTA, part: index)
            event.field = UInt32(PB_FIELD_TEXT)
            event.text = pb_str(text)
            return pass(&event, sink)
        }
    }

    private func pass(
        _ record: UnsafePointer<pb_event>, at index: UInt32, _ sink: UnsafePointer<pb_sink>
    ) -> pb_status {
        var event = copyRecord(pb_event.self, from: UnsafeRawPointer(record))
        event.size = UInt32(MemoryLayout<pb_event>.size)
        event.part = index
        return pass(&event, sink)
    }

    private static func event(_ type: Int, part: UInt32 = 0) -> pb_event {
        var event = pb_event()
        event.size = UInt32(MemoryLayout<pb_event>.size)
        event.type = UInt16(type)
        event.part = part
        return event
    }

    private static func fill(_ event: inout pb_event, _ usage: TokenUsage) {
        event.input_tokens = usage.input ?? .max
        event.output_tokens = usage.output ?? .max
        event.cached_tokens = usage.cached ?? .max
        event.cache_write_tokens = usage.cacheWrite ?? .max
        event.reasoning_tokens = usage.reasoning ?? .max
    }
}
