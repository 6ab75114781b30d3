import CPatchbay

/// One event of a streamed answer. Valid until the function that received the batch returns.
public struct StreamEvent {
    let record: UnsafePointer<pb_event>

    /// ``EventType/other`` for foreign event spaces and unknown types.
    public var type: EventType {
        record.pointee.space == PB_EVENT_SPACE_CORE ? EventType(rawValue: record.pointee.type) ?? .other : .other
    }
    public var choice: Int { Int(record.pointee.choice) }
    public var part: Int { Int(record.pointee.part) }
    /// On ``EventType/partOpen``.
    public var kind: PartKind { PartKind(rawValue: record.pointee.kind) ?? .other }
    /// On ``EventType/partDelta``; nil for one that this kit does not know.
    public var field: PartField? { PartField(rawValue: record.pointee.field) }
    /// On ``EventType/finish``.
    public var finishReason: FinishReason { FinishReason(rawValue: record.pointee.reason) ?? .other }
    /// On ``EventType/error``.
    public var category: ErrorCategory { ErrorCategory(rawValue: record.pointee.reason) ?? .server }
    /// On ``EventType/end``: the stream ended as its protocol says.
    public var isClean: Bool { record.pointee.flags & UInt32(PB_EVENT_CLEAN) != 0 }
    /// On ``EventType/usage``: the counters were estimated, not reported.
    public var isEstimated: Bool { record.pointee.flags & UInt32(PB_EVENT_ESTIMATED) != 0 }
    public var text: ByteView { ByteView(record.pointee.text) }
    public var id: ByteView { ByteView(record.pointee.id) }
    public var name: ByteView { ByteView(record.pointee.name) }
    public var extraJSON: ByteView { ByteView(record.pointee.extra_json) }

    /// On ``EventType/start`` and ``EventType/usage``.
    public var usage: UsageCounters {
        func known(_ value: UInt64) -> UInt64? { value == .max ? nil : value }
        let event = record.pointee
        return UsageCounters(
            input: known(event.input_tokens), output: known(event.output_tokens), cached: known(event.cached_tokens),
            cacheWrite: known(event.cache_write_tokens), reasoning: known(event.reasoning_tokens))
    }
}

/// The events of one step. The records may be larger than those this kit was compiled with.
public struct EventBatch: RandomAccessCollection {
    let base: UnsafeRawPointer?
    let stride: Int
    public let count: Int

    init(_ events: UnsafePointer<pb_event>?, count: UInt32) {
        let stride = events.map { Int($0.pointee.size) } ?? 0
        let usable = stride >= MemoryLayout<pb_event>.size
        self.base = usable ? UnsafeRawPointer(events) : nil
        self.stride = stride
        self.count = usable ? Int(count) : 0
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> StreamEvent {
        guard position >= 0, position < count, let base else { preconditionFailure("index outside of the batch") }
        return StreamEvent(record: (base + position * stride).assumingMemoryBound(to: pb_event.self))
    }
}
