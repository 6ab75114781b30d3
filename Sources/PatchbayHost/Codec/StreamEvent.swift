internal import CPatchbay
package import PatchbayCore

/// What kind of failure an error is. The numbers are those of `PB_CATEGORY_` in `patchbay/event.h`.
package enum ErrorCategory: UInt32, Sendable, Hashable, CaseIterable {
    case invalidRequest = 1
    case unsupportedConversion = 2
    case contextLength = 3
    case contentPolicy = 4
    case invalidReasoningState = 5
    case authentication = 6
    case quota = 7
    case permission = 8
    case notFound = 9
    case conflict = 10
    case tooLarge = 11
    case rateLimit = 12
    case overloaded = 13
    case timeout = 14
    case upstreamInvalid = 15
    case truncated = 16
    case server = 17
    case noRoute = 18
    case cancelled = 19
}

/// Why a choice ended. The numbers are those of `PB_FINISH_` in `patchbay/event.h`.
package enum FinishReason: UInt32, Sendable, Hashable, CaseIterable {
    case stop = 1
    case stopSequence = 2
    case length = 3
    case contextWindow = 4
    case toolCalls = 5
    case contentFilter = 6
    case refusal = 7
    case pause = 8
    case compaction = 9
    case malformedToolCall = 10
    case other = 11
}

/// An error inside of a stream.
package struct StreamErrorInfo: Sendable, Hashable {
    package var category: ErrorCategory
    package var message: String
    /// As the upstream wrote them; may be empty.
    package var code: String
    package var type: String

    package init(category: ErrorCategory, message: String, code: String = "", type: String = "") {
        self.category = category
        self.message = message
        self.code = code
        self.type = type
    }
}

/// One event of a streamed answer, as a view that is valid during the call that hands it out.
package struct StreamEvent {
    package enum Kind: UInt16, Sendable, Hashable {
        case start = 1
        case partOpen = 2
        case partDelta = 3
        case partNote = 4
        case partClose = 5
        case finish = 6
        case usage = 7
        case error = 8
        case ping = 9
        case end = 10
        case native = 11
        case settled = 12
    }

    private let record: UnsafePointer<pb_event>

    init(_ record: UnsafePointer<pb_event>) {
        self.record = record
    }

    /// nil for events of third parties and of later versions.
    package var kind: Kind? {
        Int(record.pointee.space) == Int(PB_EVENT_SPACE_CORE) ? Kind(rawValue: record.pointee.type) : nil
    }

    package var choice: Int { Int(record.pointee.choice) }
    package var part: Int { Int(record.pointee.part) }
    /// One of `PB_PART_`.
    package var partKind: UInt32 { record.pointee.kind }
    /// One of `PB_FIELD_`.
    package var field: UInt32 { record.pointee.field }
    package var finishReason: FinishReason { FinishReason(rawValue: record.pointee.reason) ?? .other }
    package var errorCategory: ErrorCategory { ErrorCategory(rawValue: record.pointee.reason) ?? .server }
    package var isClean: Bool { record.pointee.flags & PB_EVENT_CLEAN != 0 }
    package var isEstimated: Bool { record.pointee.flags & PB_EVENT_ESTIMATED != 0 }
    package var text: UnsafeRawBufferPointer { record.pointee.text.bytes }
    package var id: UnsafeRawBufferPointer { record.pointee.id.bytes }
    package var name: UnsafeRawBufferPointer { record.pointee.name.bytes }
    package var extra: UnsafeRawBufferPointer { record.pointee.extra_json.bytes }

    /// The counters of `start` and `usage`; unknown ones are nil.
    package var usage: TokenUsage {
        func known(_ value: UInt64) -> UInt64? { value == .max ? nil : value }
        let event = record.pointee
        return TokenUsage(
            input: known(event.input_tokens), output: known(event.output_tokens), cached: known(event.cached_tokens),
            cacheWrite: known(event.cache_write_tokens), reasoning: known(event.reasoning_tokens),
            estimated: isEstimated)
    }

    /// The event shows the client something: text, a tool call, an image.
    package var isContent: Bool {
        switch kind {
        case .partDelta: !text.isEmpty
        case .partOpen:
            partKind == UInt32(PB_PART_TOOL_CALL) || partKind == UInt32(PB_PART_REASONING_REDACTED) || !extra.isEmpty
        case .partNote, .native: true
        default: false
        }
    }

    package var errorInfo: StreamErrorInfo {
        StreamErrorInfo(
            category: errorCategory, message: String(decoding: text.prefix(2048), as: UTF8.self),
            code: String(decoding: id.prefix(256), as: UTF8.self),
            type: String(decoding: name.prefix(256), as: UTF8.self))
    }

    /// Calls `body` for each event of an array, stepping by the size its maker used.
    ///
    /// - Returns: `PB_OK`, what `body` answered if that was negative, or `PB_E_INVALID` for a size that cannot be.
    static func forEach(
        _ events: UnsafePointer<pb_event>, count: UInt32, _ body: (UnsafePointer<pb_event>) -> pb_status
    ) -> pb_status {
        let stride = Int(events.pointee.size)
        // The fields up to `flags` have been there from the beginning.
        guard stride >= 32, stride % 8 == 0 else { return Status.invalid }
        for index in 0..<Int(count) {
            let raw = UnsafeRawPointer(events) + index * stride
            let status: pb_status
            if stride >= MemoryLayout<pb_event>.size {
                status = body(raw.assumingMemoryBound(to: pb_event.self))
            } else {
                var copy = copyRecord(pb_event.self, from: raw)
                status = withUnsafePointer(to: &copy, body)
            }
            if status < 0 { return status }
        }
        return Status.ok
    }
}
