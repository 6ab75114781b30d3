internal import CPatchbay
package import PatchbayWire

/// A frame as it was passed on after a change of one value in its data.
package struct ChangedFrame {
    package var before: [UInt8]
    package var data: [UInt8]
    package var behind: [UInt8]

    package init(before: [UInt8], data: [UInt8], behind: [UInt8]) {
        self.before = before
        self.data = data
        self.behind = behind
    }
}

/// What spares the plugins the frames of a stream that are all the same but for a few places.
extension StreamDecoder {
    /// How frames like `frame`, which was the last one that the decoder was given, may be taken without it.
    ///
    /// - Parameters:
    ///   - encoder: whom their events would be given to; nil = they are only tapped, and passed on as they are.
    ///   - changed: what was passed on instead of the frame; nil = the frame itself.
    /// - Returns: nil if every frame has to be seen by those who read and write the stream.
    package func shortcut(
        like frame: SSEFrame, to encoder: EventConsumer?, changed: ChangedFrame? = nil
    ) -> FrameShortcut? {
        guard frame.isComplete, let data = frame.data, let pattern = pattern(of: frame, data),
            let holes = Self.holes(pattern, data, in: frame.raw)
        else { return nil }
        let isConverted = holes.contains { $0.kind == .text }
        guard let encoder else {
            guard !isConverted else { return nil }
            guard let changed else { return FrameShortcut(passing: frame.raw, holes) }
            return Self.shortcut(frame.raw, data, holes, changed)
        }
        guard isConverted,
            let sides = encoder.sides(choice: pattern.choice, part: pattern.part, field: pattern.field)
        else { return nil }
        return FrameShortcut(converting: frame.raw, holes, before: sides.before, behind: sides.behind)
    }

    private func pattern(of frame: SSEFrame, _ data: UnsafeRawBufferPointer) -> pb_pattern? {
        guard let ask = codec.table.decoder_pattern else { return nil }
        var record = pb_frame(event: frame.event.map { pb_str($0) } ?? .absent, data: pb_str(data))
        var pattern = pb_pattern()
        pattern.size = UInt32(MemoryLayout<pb_pattern>.size)
        guard ask(handle, &record, &pattern) == Status.ok, pattern.hole_count > 0,
            Int(pattern.hole_count) <= Int(PB_PATTERN_HOLES)
        else { return nil }
        return pattern
    }

    /// The places of the pattern as places of the whole frame; nil if these are not where the data is, or the data is
    /// not a piece of the frame.
    private static func holes(
        _ pattern: pb_pattern, _ data: UnsafeRawBufferPointer, in raw: UnsafeRawBufferPointer
    ) -> [FrameHole]? {
        guard let start = data.baseAddress, let first = raw.baseAddress, start >= first,
            start + data.count <= first + raw.count
        else { return nil }
        var holes: [FrameHole] = []
        return withUnsafeBytes(of: pattern.holes) { room in
            for hole in room.bindMemory(to: pb_hole.self).prefix(Int(pattern.hole_count)) {
                let from = Int(hole.start)
                guard from + Int(hole.length) <= data.count, let kind = kind(hole) else { return nil }
                holes.append(FrameHole(kind, from + (start - first)..<from + (start - first) + Int(hole.length)))
            }
            return holes
        }
    }

    private static func kind(_ hole: pb_hole) -> FrameHole.Kind? {
        switch Int(hole.kind) {
        case Int(PB_HOLE_STRING): .string
        case Int(PB_HOLE_DIGITS): .digits
        case Int(PB_HOLE_TEXT): .text
        default: nil
        }
    }

    /// A frame whose data was passed on with another value in one place, which is none of the holes.
    private static func shortcut(
        _ raw: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer, _ holes: [FrameHole], _ changed: ChangedFrame
    ) -> FrameShortcut? {
        guard let first = raw.baseAddress, let start = data.baseAddress else { return nil }
        // Everything is the same in front of the change, and everything behind it has moved by as much as it grew.
        let same = zip(data, changed.data).prefix { $0 == $1 }.count
        let starts = holes.map { hole in
            let from = hole.range.lowerBound - (start - first)
            let isInFront = from + hole.range.count <= same
            return changed.before.count + (isInFront ? from : from + changed.data.count - data.count)
        }
        return (changed.before + changed.data + changed.behind).withUnsafeBytes {
            FrameShortcut(passing: raw, holes, changed: $0, at: starts)
        }
    }
}
