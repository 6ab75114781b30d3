/// A place of a frame that may vary from one frame to the next.
package struct FrameHole: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// What is between the quotes of a JSON string.
        case string
        /// A JSON number that is nothing but digits.
        case digits
        /// A JSON string that is written elsewhere.
        case text
    }

    package var kind: Kind
    /// Offsets in the frame.
    package var range: Range<Int>

    package init(_ kind: Kind, _ range: Range<Int>) {
        self.kind = kind
        self.range = range
    }
}

/// Frames that were taken together.
package struct FrameRun: Sendable, Hashable {
    package var frames = 0
    /// Bytes of all but the last.
    package var bytes = 0
    /// The smallest of all but the last.
    package var smallest = Int.max
    /// Bytes of the last.
    package var newest = 0
    /// Bytes of the texts, unescaped.
    package var textBytes = 0

    package init() {}

    @inline(__always)
    mutating func add(_ size: Int, text: Int) {
        if frames > 0 {
            bytes &+= newest
            if newest < smallest { smallest = newest }
        }
        frames &+= 1
        newest = size
        textBytes &+= text
    }
}

/// Takes frames that differ from a known one only in places that are known, and writes what a client gets for them: the
/// frame itself, the frame with something else in one place, or another frame with the same text.
package final class FrameShortcut {
    /// What is written for a frame.
    private enum Output {
        case same
        /// Bytes, each run but the last followed by a place of the frame.
        case other([UInt8], [Run])
    }

    private struct Run {
        let count: Int
        /// The number of the place that follows; -1 = none.
        let hole: Int
    }

    private let matcher: FrameMatcher
    private let output: Output
    /// Bytes that are written for each frame beside the contents of its places.
    private let fixedCount: Int

    /// Longer frames are not learned: a stream may have one for as long as it is open.
    package static let maximumBytes = 1024

    /// Frames that are passed on as they are.
    ///
    /// - Returns: nil if `frame` is too long or a place is not what it should be.
    package init?(passing frame: UnsafeRawBufferPointer, _ holes: [FrameHole]) {
        guard frame.count <= FrameShortcut.maximumBytes, let matcher = FrameMatcher(frame, holes) else { return nil }
        self.matcher = matcher
        output = .same
        fixedCount = 0
    }

    /// Frames that are passed on with other bytes around their places.
    ///
    /// - Parameter changed: what was written for `frame`; it has the contents of all places, in their order.
    package init?(
        passing frame: UnsafeRawBufferPointer, _ holes: [FrameHole], changed: UnsafeRawBufferPointer, at starts: [Int]
    ) {
        guard frame.count <= FrameShortcut.maximumBytes, changed.count <= 2 * FrameShortcut.maximumBytes,
            let matcher = FrameMatcher(frame, holes), starts.count == holes.count
        else { return nil }
        var fixed: [UInt8] = []
        var runs: [Run] = []
        var at = 0
        for (index, hole) in holes.enumerated() {
            let start = starts[index]
            guard start >= at, start + hole.range.count <= changed.count,
                changed[start..<start + hole.range.count].elementsEqual(frame[hole.range])
            else { return nil }
            fixed.append(contentsOf: changed[at..<start])
            runs.append(Run(count: start - at, hole: index))
            at = start + hole.range.count
        }
        fixed.append(contentsOf: changed[at...])
        runs.append(Run(count: changed.count - at, hole: -1))
        self.matcher = matcher
        fixedCount = fixed.count
        output = .other(fixed, runs)
    }

    /// Frames of which only the text is written, between other bytes.
    ///
    /// - Returns: nil also unless exactly one place is a text.
    package init?(converting frame: UnsafeRawBufferPointer, _ holes: [FrameHole], before: [UInt8], behind: [UInt8]) {
        let texts = holes.indices.filter { holes[$0].kind == .text }
        guard frame.count <= FrameShortcut.maximumBytes, texts.count == 1, let matcher = FrameMatcher(frame, holes),
            before.count + behind.count <= FrameShortcut.maximumBytes
        else { return nil }
        self.matcher = matcher
        fixedCount = before.count + behind.count
        output = .other(before + behind, [Run(count: before.count, hole: texts[0]), Run(count: behind.count, hole: -1)])
    }

    /// No frame that is taken has fewer bytes.
    package var leastBytes: Int { matcher.literalCount }

    /// Takes such frames from `position` on, as many as there are without another one between them, and appends what is
    /// written for them.
    ///
    /// - Parameter position: in: where a frame begins; out: behind the last frame that was taken.
    package func take(
        _ chunk: UnsafeRawBufferPointer, from position: inout Int, into bytes: inout [UInt8]
    ) -> FrameRun {
        var run = FrameRun()
        guard let start = chunk.baseAddress else { return run }
        let base = start.assumingMemoryBound(to: UInt8.self)
        switch output {
        case .same:
            let first = position
            while true {
                let end = matcher.match(base, position, chunk.count)
                guard end > position else { break }
                run.add(end &- position, text: 0)
                position = end
            }
            if run.frames > 0 {
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[first..<position]))
            }
        case .other(let fixed, let runs):
            while true {
                let end = matcher.match(base, position, chunk.count)
                guard end > position else { break }
                run.add(end &- position, text: matcher.textCount)
                write(fixed, runs, base, into: &bytes)
                position = end
            }
        }
        return run
    }

    @inline(__always)
    private func write(
        _ fixed: [UInt8], _ runs: [Run], _ base: UnsafePointer<UInt8>, into bytes: inout [UInt8]
    ) {
        fixed.withUnsafeBufferPointer { fixed in
            guard var source = fixed.baseAddress else { return }
            for run in runs {
                bytes.append(contentsOf: UnsafeBufferPointer(start: source, count: run.count))
                source += run.count
                guard run.hole >= 0 else { continue }
                let from = matcher.spans[2 &* run.hole]
                let to = matcher.spans[2 &* run.hole &+ 1]
                bytes.append(contentsOf: UnsafeBufferPointer(start: base + from, count: to &- from))
            }
        }
    }
}
