import CPatchbay

/// Receives events. Valid until the function that received it returns. Each call hands one event to the host, without a
/// heap allocation when text is given as ``ByteView`` or buffer. When the host wants no more, ``isStopped`` turns true.
public struct EventWriter {
    let sink: UnsafePointer<pb_event_sink>
    var status: pb_status = 0

    init(_ sink: UnsafePointer<pb_event_sink>) {
        self.sink = sink
    }

    /// The host wants no more events.
    public var isStopped: Bool { status < 0 }

    // MARK: Answer

    public mutating func start(id: ByteView, model: ByteView, usage: UsageCounters = UsageCounters()) {
        var event = Self.record(.start)
        event.id = pb_str(id)
        event.name = pb_str(model)
        Self.fill(&event, usage)
        emit(&event)
    }

    /// A snapshot: the last known value of each counter wins.
    ///
    /// - Parameter unitsJSON: what is billed beside tokens: `{"images", "seconds", "characters", "searches"}`.
    public mutating func usage(
        _ usage: UsageCounters, isEstimated: Bool = false, unitsJSON: ByteView = .absent
    ) {
        var event = Self.record(.usage)
        Self.fill(&event, usage)
        event.extra_json = pb_str(unitsJSON)
        if isEstimated { event.flags = UInt32(PB_EVENT_ESTIMATED) }
        emit(&event)
    }

    /// - Parameters:
    ///   - stopSequence: the sequence if there was one.
    ///   - native: the reason as the upstream wrote it.
    public mutating func finish(
        choice: Int = 0, _ reason: FinishReason, stopSequence: ByteView = .absent, native: ByteView = .absent
    ) {
        var event = Self.record(.finish, choice: choice)
        event.reason = reason.rawValue
        event.text = pb_str(stopSequence)
        event.name = pb_str(native)
        emit(&event)
    }

    /// `code` and `type` as the upstream wrote them. An end event follows.
    public mutating func error(
        _ category: ErrorCategory, message: ByteView, code: ByteView = .absent, type: ByteView = .absent
    ) {
        var event = Self.record(.error)
        event.reason = category.rawValue
        event.text = pb_str(message)
        event.id = pb_str(code)
        event.name = pb_str(type)
        emit(&event)
    }

    public mutating func ping() {
        var event = Self.record(.ping)
        emit(&event)
    }

    /// For decoders of protocols whose streams end with their transport and have no end of their own.
    ///
    /// - Parameter isWhole: nothing is missing any more; false = what came since has begun something new.
    public mutating func settled(_ isWhole: Bool) {
        // Not among the types that the kit names: encoders need not know it.
        var event = Self.record(.other)
        event.type = UInt16(PB_EVENT_SETTLED)
        if isWhole { event.flags = UInt32(PB_EVENT_CLEAN) }
        emit(&event)
    }

    /// - Parameter clean: the protocol's own end was seen.
    public mutating func end(clean: Bool) {
        var event = Self.record(.end)
        if clean { event.flags = UInt32(PB_EVENT_CLEAN) }
        emit(&event)
    }

    /// Something the model does not cover.
    public mutating func native(format: ByteView, event name: ByteView, dataJSON: ByteView) {
        var event = Self.record(.native)
        event.name = pb_str(format)
        event.id = pb_str(name)
        event.extra_json = pb_str(dataJSON)
        emit(&event)
    }

    // MARK: Parts

    /// For a tool call `id` is the call id and `name` the tool name.
    public mutating func openPart(
        choice: Int = 0, part: Int, _ kind: PartKind, id: ByteView = .absent, name: ByteView = .absent,
        extraJSON: ByteView = .absent
    ) {
        var event = Self.record(.partOpen, choice: choice, part: part)
        event.kind = kind.rawValue
        event.id = pb_str(id)
        event.name = pb_str(name)
        event.extra_json = pb_str(extraJSON)
        emit(&event)
    }

    /// - Parameter name: for ``PartField/opaque`` its kind.
    public mutating func delta(
        choice: Int = 0, part: Int, _ field: PartField, _ text: ByteView, name: ByteView = .absent
    ) {
        var event = Self.record(.partDelta, choice: choice, part: part)
        event.field = field.rawValue
        event.text = pb_str(text)
        event.name = pb_str(name)
        emit(&event)
    }

    public mutating func delta(choice: Int = 0, part: Int, _ field: PartField, utf8: UnsafeBufferPointer<UInt8>) {
        delta(choice: choice, part: part, field, ByteView(base: utf8.baseAddress, count: utf8.count))
    }

    public mutating func textDelta(choice: Int = 0, part: Int, utf8: UnsafeBufferPointer<UInt8>) {
        delta(choice: choice, part: part, .text, utf8: utf8)
    }

    /// One annotation, as JSON.
    public mutating func note(choice: Int = 0, part: Int, json: ByteView) {
        var event = Self.record(.partNote, choice: choice, part: part)
        event.extra_json = pb_str(json)
        emit(&event)
    }

    public mutating func closePart(choice: Int = 0, part: Int) {
        var event = Self.record(.partClose, choice: choice, part: part)
        emit(&event)
    }

    /// Passes an event on unchanged.
    public mutating func forward(_ event: StreamEvent) {
        guard status >= 0 else { return }
        status = sink.pointee.emit(sink, event.record, 1)
    }

    // MARK: Record

    private static func record(_ type: EventType, choice: Int = 0, part: Int = 0) -> pb_event {
        var event = pb_event()
        event.size = UInt32(MemoryLayout<pb_event>.size)
        event.type = type.rawValue
        event.choice = UInt32(clamping: choice)
        event.part = UInt32(clamping: part)
        return event
    }

    private static func fill(_ event: inout pb_event, _ usage: UsageCounters) {
        event.input_tokens = usage.input ?? .max
        event.output_tokens = usage.output ?? .max
        event.cached_tokens = usage.cached ?? .max
        event.cache_write_tokens = usage.cacheWrite ?? .max
        event.reasoning_tokens = usage.reasoning ?? .max
    }

    private mutating func emit(_ event: inout pb_event) {
        guard status >= 0 else { return }
        status = sink.pointee.emit(sink, &event, 1)
    }
}
