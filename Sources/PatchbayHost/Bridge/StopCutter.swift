internal import CPatchbay
internal import PatchbayWire

/// Ends an answer at a stop sequence, for upstreams that cannot: their formats have none, or fewer than were asked for.
///
/// Sits before the writer of the client's format. Text is held back as long as it could be the beginning of a stop
/// sequence, at most the length of the longest one. Where one is complete, the answer ends before it with the reason
/// `stop_sequence`, and everything that follows is dropped. Only the first choice is looked at.
package final class StopCutter: EventConsumer {
    /// Where the events go.
    package let next: EventConsumer
    /// The answer has been ended; the upstream need not go on.
    package private(set) var isCut = false
    private let stops: [[UInt8]]
    private let longest: Int
    private var textParts: Set<UInt32> = []
    private var openParts: [UInt32] = []
    private var held: [UInt8] = []
    private var heldPart: UInt32 = 0

    /// - Parameter stops: not empty, none of them empty.
    package init(_ stops: [String], next: EventConsumer) {
        self.stops = stops.map { Array($0.utf8) }
        longest = self.stops.map(\.count).max() ?? 0
        self.next = next
        super.init()
    }

    override func take(
        _ events: UnsafePointer<pb_event>, _ count: UInt32, _ sink: UnsafePointer<pb_sink>
    ) -> pb_status {
        StreamEvent.forEach(events, count: count) { record in
            guard !isCut else { return Status.ok }
            let event = StreamEvent(record)
            guard event.choice == 0 else { return next.take(record, 1, sink) }
            switch event.kind {
            case .partOpen:
                openParts.append(record.pointee.part)
                if record.pointee.kind == UInt32(PB_PART_TEXT) { textParts.insert(record.pointee.part) }
            case .partDelta where textParts.contains(record.pointee.part):
                return add(event.text, part: record.pointee.part, sink)
            case .partClose:
                openParts.removeAll { $0 == record.pointee.part }
            case .ping, .usage, .native, .start, .settled: return next.take(record, 1, sink)
            default: break
            }
            let flushed = flush(sink)
            return flushed < 0 ? flushed : next.take(record, 1, sink)
        }
    }

    private func add(_ text: UnsafeRawBufferPointer, part: UInt32, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        if part != heldPart {
            let flushed = flush(sink)
            if flushed < 0 { return flushed }
            heldPart = part
        }
        held.append(contentsOf: text)
        if let found = StopCutter.first(of: stops, in: held) { return cut(at: found.start, stops[found.stop], sink) }
        let ready = readyCount()
        guard ready > 0 else { return Status.ok }
        let status = send(held.prefix(ready), sink)
        held.removeFirst(ready)
        return status
    }

    /// How much of the held text cannot be part of a stop sequence any more; ends between two characters.
    private func readyCount() -> Int {
        var ready = held.count
        for start in max(0, held.count - longest + 1)..<max(held.count, 0) {
            let tail = held[start...]
            if stops.contains(where: { $0.count > tail.count && $0.starts(with: tail) }) {
                ready = start
                break
            }
        }
        while ready > 0, ready < held.count, held[ready] & 0xc0 == 0x80 { ready -= 1 }
        return ready
    }

    private func flush(_ sink: UnsafePointer<pb_sink>) -> pb_status {
        guard !held.isEmpty else { return Status.ok }
        let status = send(held[...], sink)
        held.removeAll()
        return status
    }

    private func send(_ text: ArraySlice<UInt8>, _ sink: UnsafePointer<pb_sink>) -> pb_status {
        guard !text.isEmpty else { return Status.ok }
        return text.withUnsafeBytes { text in
            var event = StopCutter.event(PB_EVENT_PART_DELTA, part: heldPart)
            event.field = UInt32(PB_FIELD_TEXT)
            event.text = pb_str(text)
            return next.take(&event, 1, sink)
        }
    }

    private func cut(at start: Int, _ stop: [UInt8], _ sink: UnsafePointer<pb_sink>) -> pb_status {
        var status = send(held.prefix(start), sink)
        held.removeAll()
        for part in openParts where status >= 0 {
            var close = StopCutter.event(PB_EVENT_PART_CLOSE, part: part)
            status = next.take(&close, 1, sink)
        }
        guard status >= 0 else { return status }
        status = stop.withUnsafeBytes { stop in
            var finish = StopCutter.event(PB_EVENT_FINISH)
            finish.reason = UInt32(PB_FINISH_STOP_SEQUENCE)
            finish.text = pb_str(stop)
            return next.take(&finish, 1, sink)
        }
        guard status >= 0 else { return status }
        var end = StopCutter.event(PB_EVENT_END)
        end.flags = PB_EVENT_CLEAN
        isCut = true
        return next.take(&end, 1, sink)
    }

    private static func event(_ type: Int, part: UInt32 = 0) -> pb_event {
        var event = pb_event()
        event.size = UInt32(MemoryLayout<pb_event>.size)
        event.type = UInt16(type)
        event.part = part
        return event
    }

    /// The stop sequence that begins first; of two that begin at once the first of the list.
    private static func first(of stops: [[UInt8]], in text: [UInt8]) -> (start: Int, stop: Int)? {
        for start in text.indices {
            for (index, stop) in stops.enumerated() where text[start...].starts(with: stop) { return (start, index) }
        }
        return nil
    }

    // MARK: - Documents

    /// A canonical response that ends before the first stop sequence in its text.
    package static func cut(_ canonical: [UInt8], at stops: [String]) -> [UInt8] {
        guard var document = try? JSONValue(parsing: canonical), let choices = document["choices"]?.arrayValue else {
            return canonical
        }
        var isChanged = false
        let sequences = stops.map { Array($0.utf8) }
        let cutChoices = choices.map { choice in
            guard let cut = StopCutter.cut(choice, at: sequences) else { return choice }
            isChanged = true
            return cut
        }
        guard isChanged else { return canonical }
        document["choices"] = .array(cutChoices)
        return document.serialised()
    }

    private static func cut(_ choice: JSONValue, at stops: [[UInt8]]) -> JSONValue? {
        let parts = choice["parts"]?.arrayValue ?? []
        for (index, part) in parts.enumerated() where part["k"] == "text" {
            let text = Array((part["text"]?.stringValue ?? "").utf8)
            guard let found = first(of: stops, in: text) else { continue }
            var last = part
            last["text"] = .string(String(decoding: text[..<found.start], as: UTF8.self))
            var cut = choice
            cut["parts"] = .array(parts[..<index] + [last])
            cut["finish"] = [
                "reason": "stop_sequence",
                "stop_sequence": .string(String(decoding: stops[found.stop], as: UTF8.self)),
            ]
            return cut
        }
        return nil
    }
}
