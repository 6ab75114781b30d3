import CanonicalChat
package import PatchbayPlugin
import PatchbayWire

/// Follows the stream of a task format: what it cost, and whether it was complete.
package struct TaskStreamDecoder<Format: TaskFormat>: WireDecoder {
    private var hasStarted = false
    private var hasEnded = false
    private var sawContent = false
    /// Completed pieces of the answer.
    private var completions = 0
    private var tape = JSONTape()

    package init() {}

    package mutating func frames(_ frames: FrameBatch, into events: inout EventWriter) {
        for frame in frames where !hasEnded && !frame.data.isEmpty { read(frame, &events) }
    }

    private mutating func read(_ frame: Frame, _ events: inout EventWriter) {
        if frame.data.hasPrefix("[DONE]") { return settle(&events) }
        defer { tape.reset() }
        guard (try? tape.parse(frame.data.raw)) != nil else {
            return fail(
                CanonicalError(.upstreamInvalid, message: "the upstream sent a frame that is no JSON"), &events)
        }
        let root = tape.root
        if frame.event == "error" || tape.present(root, named: "error") != nil {
            return fail(TaskTap<Format>.error(tape), &events)
        }
        begin(&events)
        // The name stands in the data as well; servers may leave out the line.
        let name: UnsafeRawBufferPointer
        if let type = tape.member(root, named: "type"), tape.kind(type) == .string {
            name = tape.rawString(type)
        } else {
            name = frame.event.raw
        }
        switch Format.role(ofEvent: name) {
        case .content: noteContent(&events)
        case .completion(let isLast):
            noteContent(&events)
            completions += 1
            TaskTap<Format>.usage(tape, completions: isLast ? nil : completions, into: &events)
            if isLast { settle(&events) }
        case .other: break
        }
    }

    package mutating func finish(_ reason: StreamEnd, into events: inout EventWriter) {
        guard !hasEnded else { return }
        // Several images each have a completion of their own, so only the end of the stream tells that all came.
        if isComplete, reason == .endOfStream || reason == .timeout { return settle(&events) }
        fail(StreamFault.error(reason), &events)
    }

    private var isComplete: Bool { completions > 0 }

    private mutating func begin(_ events: inout EventWriter) {
        guard !hasStarted else { return }
        hasStarted = true
        TaskTap<Format>.start(tape, into: &events)
    }

    private mutating func noteContent(_ events: inout EventWriter) {
        guard !sawContent else { return }
        sawContent = true
        events.openPart(part: 0, .other)
    }

    private mutating func settle(_ events: inout EventWriter) {
        hasEnded = true
        if !hasStarted { events.start(id: "", model: "") }
        if isComplete { events.finish(.stop, stopSequence: nil, native: nil) }
        events.end(clean: isComplete)
    }

    private mutating func fail(_ error: CanonicalError, _ events: inout EventWriter) {
        hasEnded = true
        if !hasStarted { events.start(id: "", model: "") }
        events.error(error.category, message: error.message, code: error.code, type: error.type)
        events.end(clean: false)
    }
}
