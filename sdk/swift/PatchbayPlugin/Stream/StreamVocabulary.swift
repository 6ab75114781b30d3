/// How the frames of a stream are separated.
public enum Framing: UInt32, Sendable { case sse = 1, ndjson = 2, jsonArray = 3, raw = 4 }

/// How a stream ended on the transport.
public enum StreamEnd: UInt32, Sendable {
    /// The connection delivered the end of the body.
    case endOfStream = 1
    /// It broke before.
    case cut = 2
    /// The client left.
    case cancelled = 3
    /// Nothing came for too long.
    case timeout = 4
}

/// How bad it is that something could not be carried over.
public enum LossSeverity: UInt32, Sendable { case info = 1, degrade = 2, semantic = 3, fatal = 4 }

/// What an event says. `other` stands for types that this kit does not know; pass them on unchanged.
public enum EventType: UInt16, Sendable {
    case other = 0
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
}

/// Kind of a part of an answer.
public enum PartKind: UInt32, Sendable {
    case text = 1
    case reasoning = 2
    /// Reasoning that the upstream hides; its opaque data comes as ``PartField/opaque``.
    case reasoningRedacted = 3
    case toolCall = 4
    case refusal = 5
    case image = 6
    case audio = 7
    /// `extraJSON` of the open event holds the whole part.
    case other = 8
}

/// What a delta appends to.
public enum PartField: UInt32, Sendable {
    case text = 1
    /// Arguments of a tool call: a fragment of JSON text.
    case arguments = 2
    /// A signature or encrypted reasoning. Comes whole, at most once a part; `name` = its kind.
    case opaque = 3
    /// Base64 data of an image or audio part.
    case data = 4
    case transcript = 5
}

/// Why a choice ended.
public enum FinishReason: UInt32, Sendable {
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

/// What kind of failure an error is, whatever the wire format calls it.
public enum ErrorCategory: UInt32, Sendable, CaseIterable {
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

/// Token counters; nil = not known. `input` includes cached and cache-written tokens, `output` includes reasoning.
public struct UsageCounters: Sendable, Hashable {
    public var input: UInt64?
    public var output: UInt64?
    public var cached: UInt64?
    public var cacheWrite: UInt64?
    public var reasoning: UInt64?

    public init(
        input: UInt64? = nil, output: UInt64? = nil, cached: UInt64? = nil, cacheWrite: UInt64? = nil,
        reasoning: UInt64? = nil
    ) {
        self.input = input
        self.output = output
        self.cached = cached
        self.cacheWrite = cacheWrite
        self.reasoning = reasoning
    }
}
