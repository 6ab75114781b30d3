/// Recognises frames that are the same as one frame but for what stands at a few places of it: one pass over the bytes,
/// in which the framing, the members and the end of the frame are compared and not read.
final class FrameMatcher {
    /// A run of bytes that has to be the same, and the place behind it.
    private struct Piece {
        let count: Int
        /// Nil behind the last run.
        let hole: FrameHole.Kind?
    }

    /// The runs, one after another.
    private let literals: UnsafeMutablePointer<UInt8>
    private let pieces: [Piece]
    /// Bytes of all runs: no such frame is shorter.
    let literalCount: Int
    /// Where the places of the frame that was recognised last begin and end, two numbers for each.
    let spans: UnsafeMutablePointer<Int>
    /// Bytes that the text of that frame has when it is unescaped.
    private(set) var textCount = 0

    /// - Parameters:
    ///   - frame: all bytes of a frame, the blank line included.
    ///   - holes: places of it, in its order.
    /// - Returns: nil if a place is not what it should be.
    init?(_ frame: UnsafeRawBufferPointer, _ holes: [FrameHole]) {
        guard FrameMatcher.areSound(holes, in: frame), let start = frame.baseAddress else { return nil }
        literals = .allocate(capacity: frame.count)
        spans = .allocate(capacity: 2 * holes.count)
        spans.initialize(repeating: 0, count: 2 * holes.count)
        var pieces: [Piece] = []
        var at = 0
        var count = 0
        for (index, hole) in holes.enumerated() {
            let run = hole.range.lowerBound - at
            (literals + count).initialize(from: start.assumingMemoryBound(to: UInt8.self) + at, count: run)
            pieces.append(Piece(count: run, hole: hole.kind))
            spans[2 * index] = hole.range.lowerBound
            spans[2 * index + 1] = hole.range.upperBound
            count += run
            at = hole.range.upperBound
        }
        (literals + count).initialize(from: start.assumingMemoryBound(to: UInt8.self) + at, count: frame.count - at)
        pieces.append(Piece(count: frame.count - at, hole: nil))
        self.pieces = pieces
        literalCount = count + frame.count - at
        // What has been learned has to recognise the frame it was learned from.
        guard match(start.assumingMemoryBound(to: UInt8.self), 0, frame.count) == frame.count else { return nil }
    }

    deinit {
        literals.deallocate()
        spans.deallocate()
    }

    private static func areSound(_ holes: [FrameHole], in frame: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        for hole in holes {
            let range = hole.range
            // Something stands before and behind every place, so that two never touch.
            guard range.lowerBound > at, range.upperBound < frame.count else { return false }
            let (before, behind) = (frame[range.lowerBound - 1], frame[range.upperBound])
            switch hole.kind {
            case .string, .text: guard before == JSONBytes.quote, behind == JSONBytes.quote else { return false }
            case .digits:
                guard [0x20, 0x3A].contains(before), [0x20, 0x2C, 0x7D].contains(behind) else { return false }
            }
            at = range.upperBound
        }
        return true
    }

    // MARK: - Recognising

    /// The offset behind the frame that begins at `start`, or -1 if it is another one or not all there.
    func match(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        guard end &- start >= literalCount else { return -1 }
        var at = start
        var literal = UnsafePointer(literals)
        var span = spans
        for piece in pieces {
            guard end &- at >= piece.count, FrameBytes.equal(base + at, literal, piece.count) else { return -1 }
            at &+= piece.count
            literal += piece.count
            guard let hole = piece.hole else { return at }
            span[0] = at
            switch hole {
            case .string: at = FrameBytes.endOfString(base, at, end)
            case .digits: at = FrameBytes.endOfDigits(base, at, end)
            case .text: at = FrameBytes.endOfText(base, at, end, &textCount)
            }
            if at < 0 { return -1 }
            span[1] = at
            span += 2
        }
        return -1
    }
}
