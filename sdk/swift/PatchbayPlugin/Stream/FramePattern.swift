import CPatchbay

/// What frames of a stream have in common that differ in a few places only.
///
/// A decoder that gives one promises: as long as nothing but such frames follows, each of them would make one delta of
/// ``choice``, ``part`` and ``field`` with the text of the place that is a text, or no event at all where none is; and
/// it need not see them. What is in a text is valid UTF-8, not empty, and has only the short escapes of JSON without
/// `\/`. The host then spares the decoder such frames. Any other frame ends the promise.
public struct FramePattern: Hashable, Sendable {
    /// What may vary at a place.
    public enum Kind: UInt32, Sendable {
        /// A JSON string, without its quotes. What it says changes nothing.
        case string = 1
        /// A JSON number of nothing but digits. What it says changes nothing.
        case digits = 2
        /// A JSON string that is the text of the delta.
        case text = 3
    }

    /// A place that may vary.
    public struct Hole: Hashable, Sendable {
        public var kind: Kind
        /// Offsets in the data of the frame, without quotes.
        public var range: Range<Int>

        public init(_ kind: Kind, _ range: Range<Int>) {
            self.kind = kind
            self.range = range
        }
    }

    /// So many places may vary at most.
    public static let maximumHoles = Int(PB_PATTERN_HOLES)

    /// In the order of the frame.
    public var holes: [Hole]
    public var choice: Int
    public var part: Int
    public var field: PartField

    /// Of frames that make no event.
    public init(holes: [Hole]) {
        self.init(choice: 0, part: 0, .text, holes: holes)
    }

    /// Of frames that make one delta; one of the holes is its text.
    public init(choice: Int, part: Int, _ field: PartField, holes: [Hole]) {
        self.holes = holes.sorted { $0.range.lowerBound < $1.range.lowerBound }
        self.choice = choice
        self.part = part
        self.field = field
    }

    /// False if the record has too little room.
    func fill(_ record: inout pb_pattern) -> Bool {
        guard record.size >= UInt32(MemoryLayout<pb_pattern>.size), holes.count <= Self.maximumHoles else {
            return false
        }
        record.hole_count = UInt32(holes.count)
        record.choice = UInt32(clamping: choice)
        record.part = UInt32(clamping: part)
        record.field = field.rawValue
        withUnsafeMutableBytes(of: &record.holes) { room in
            let room = room.bindMemory(to: pb_hole.self)
            for (index, hole) in holes.enumerated() {
                room[index] = pb_hole(
                    kind: hole.kind.rawValue, start: UInt32(clamping: hole.range.lowerBound),
                    length: UInt32(clamping: hole.range.count))
            }
        }
        return true
    }
}

/// What stands before and behind the text in the bytes that an encoder writes for a delta.
///
/// An encoder that gives them promises: as long as no other event comes, these bytes with the inside of a JSON string
/// between them are what it would write for a delta with that text, and it need not see the event. The string is valid
/// UTF-8, not empty, and has only the short escapes of JSON without `\/`.
public struct FrameSides: Hashable, Sendable {
    /// Up to and including the quote that begins the string.
    public var before: [UInt8]
    /// From the quote that ends it.
    public var behind: [UInt8]

    public init(before: [UInt8], behind: [UInt8]) {
        self.before = before
        self.behind = behind
    }
}
