import PatchbayWire
import Synchronization

/// Bytes of the events of all responses in the background, on whatever loop.
final class EventBudget: Sendable {
    static let most = 268_435_456
    private let used = Atomic<Int>(0)

    /// False, with nothing taken, if they would be too many.
    func take(_ count: Int) -> Bool {
        guard used.add(count, ordering: .relaxed).newValue > Self.most else { return true }
        give(count)
        return false
    }

    func give(_ count: Int) { used.subtract(count, ordering: .relaxed) }
}

/// The events of a response that is made in the background and streamed: kept while it is made, so that a client may
/// come, go, and come back behind any event. Confined to the loop of its run.
final class RunEvents {
    /// What a reader gets next.
    enum Batch: Sendable {
        /// Whole frames, the number of the last one, and whether none will follow.
        case frames([UInt8], last: Int, isEnd: Bool)
        /// The events are more than are kept.
        case overflow
    }

    /// So many bytes are handed out at once, unless one event has more.
    private static let batchBytes = 262_144

    private let id: String
    /// Bytes of all events; what is beyond is not kept.
    private let limit: Int
    private let budget: EventBudget
    private var bytes: [UInt8] = []
    /// Where each event begins; the number of an event is its place here.
    private var starts: [Int] = []
    private var isEnded = false
    /// Bytes of the budget.
    private var taken = 0
    private(set) var hasOverflowed = false
    /// The response of the last event, if that was one which ends a stream.
    private(set) var final: [UInt8]?
    private var waiting: [(after: Int, reply: (Batch) -> Void)] = []

    /// - Parameter id: by which clients know the response, whatever the upstream calls it.
    init(id: String, limit: Int, budget: EventBudget) {
        self.id = id
        self.limit = limit
        self.budget = budget
    }

    deinit { budget.give(taken) }

    var isEmpty: Bool { starts.isEmpty }

    /// All events, once they are complete and none is missing.
    var all: [UInt8]? { hasOverflowed || isEmpty ? nil : bytes }

    /// Adds whole frames of a stream; comments are left out.
    func append(_ frames: [UInt8]) {
        guard !isEnded, final == nil else { return }
        frames.withUnsafeBytes { raw in
            var splitter = SSEFrameSplitter(maxFrameBytes: 65 << 20)
            var position = 0
            while let frame = try? splitter.next(in: raw, at: &position) { append(frame) }
        }
        answerWaiting()
    }

    /// Adds an event of the gateway's own.
    func append(_ kind: String, response: [UInt8]) {
        var frame = Array("event: \(kind)\ndata: {\"type\":\"\(kind)\",\"response\":".utf8)
        frame += response
        frame += Array("}\n\n".utf8)
        append(frame)
    }

    /// No event will follow.
    func end() {
        isEnded = true
        answerWaiting()
    }

    /// Hands out what stands behind an event, at once or when it is there.
    func next(after: Int, _ reply: @escaping (Batch) -> Void) {
        if let batch = batch(after: after) { return reply(batch) }
        waiting.append((after, reply))
    }

    private func answerWaiting() {
        guard !waiting.isEmpty else { return }
        let asking = waiting
        waiting = []
        for one in asking { next(after: one.after, one.reply) }
    }

    private func batch(after: Int) -> Batch? {
        let first = after + 1
        guard first < starts.count else {
            if hasOverflowed { return .overflow }
            return isEnded ? .frames([], last: after, isEnd: true) : nil
        }
        var last = first
        while last + 1 < starts.count, starts[last + 1] - starts[first] < Self.batchBytes { last += 1 }
        let end = last + 1 < starts.count ? starts[last + 1] : bytes.count
        let isEnd = isEnded && !hasOverflowed && last == starts.count - 1
        return .frames(Array(bytes[starts[first]..<end]), last: last, isEnd: isEnd)
    }

    private func append(_ frame: SSEFrame) {
        guard !hasOverflowed, let data = frame.data,
            let found = try? JSONFieldScanner.scanTopLevel(data, names: ["type", "response"])
        else { return }
        var operations = [JSONPatchOperation("sequence_number", value: Array("\(starts.count)".utf8))]
        let hasResponse = found[1]?.kind == .object
        if hasResponse {
            operations.append(JSONPatchOperation("response", "id", value: JSONValue.string(id).serialised()))
            operations.append(JSONPatchOperation("response", "background", value: Array("true".utf8)))
        }
        var numbered: [UInt8] = []
        do {
            try JSONPatch.apply(operations, to: data, into: &numbered)
        } catch {
            return
        }
        let size = numbered.count + (frame.event?.count ?? 0) + 16
        guard bytes.count + size <= limit, budget.take(size) else {
            hasOverflowed = true
            return
        }
        taken += size
        starts.append(bytes.count)
        StreamEdit.append(frame, with: numbered, to: &bytes)
        guard hasResponse, let type = found[0]?.string(in: data), Self.last.contains(type) else { return }
        final = numbered.withUnsafeBytes { raw in
            (try? JSONFieldScanner.scanTopLevel(raw, names: ["response"]))?[0].map { Array($0.span.bytes(in: raw)) }
        }
    }

    private static let last: Set<String> = [
        "response.completed", "response.incomplete", "response.failed", "response.cancelled",
    ]

    /// The frames behind an event of all those that were kept.
    static func frames(_ all: [UInt8], after: Int) -> [UInt8] {
        all.withUnsafeBytes { raw in
            var splitter = SSEFrameSplitter(maxFrameBytes: 65 << 20)
            var (position, number, start) = (0, 0, 0)
            while number <= after, (try? splitter.next(in: raw, at: &position)) ?? nil != nil {
                number += 1
                start = position
            }
            return Array(raw[start...])
        }
    }
}
