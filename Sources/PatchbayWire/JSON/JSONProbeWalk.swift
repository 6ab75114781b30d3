/// The walk of a ``JSONProbe`` through a document: the grammar of RFC 8259 once more, for speed. What is rare, long
/// strings and numbers that are not plain digits, is left to ``JSONCursor``.
///
/// The document ends with a closing brace, which no token but that brace itself can go beyond: so it is enough to look
/// for the end of the bytes behind braces and within strings.
struct JSONProbeWalk {
    private typealias Node = JSONProbe.Node
    private typealias Entry = JSONProbe.Entry

    private let nodes: UnsafePointer<JSONProbe.Node>
    private let entries: UnsafePointer<JSONProbe.Entry>
    private let fields: UnsafeMutablePointer<JSONField>
    private let base: UnsafePointer<UInt8>
    /// Behind the last brace.
    private let end: Int
    private var position: Int
    /// The open containers, one bit each, the innermost lowest; 1 = object.
    private var nesting: UInt64 = 0
    private var depth = 0
    /// The innermost container that is looked into.
    private var place = 0
    /// The containers up to it; what is open beyond is passed over.
    private var lookedInto = 0
    /// The entry of the value that comes next; -1 = it means nothing.
    private var next = -1
    private var elements = 0
    /// The member whose value is the container that is passed over; -1 = it means nothing.
    private var passedField = -1
    private(set) var present: UInt32 = 0

    /// Deeper documents are left to others.
    static let maxDepth = 64

    /// Nil if the bytes cannot be an object.
    @inline(__always)
    init?(
        _ bytes: UnsafeRawBufferPointer, _ nodes: UnsafePointer<JSONProbe.Node>,
        _ entries: UnsafePointer<JSONProbe.Entry>, _ fields: UnsafeMutablePointer<JSONField>
    ) {
        guard let start = bytes.baseAddress, bytes.count <= Int(Int32.max) else { return nil }
        base = start.assumingMemoryBound(to: UInt8.self)
        self.nodes = nodes
        self.entries = entries
        self.fields = fields
        var end = bytes.count
        while end > 0, JSONProbeWalk.isSpace(base[end - 1]) { end -= 1 }
        var position = 0
        while position < end, JSONProbeWalk.isSpace(base[position]) { position += 1 }
        guard end - position >= 2, base[position] == UInt8(ascii: "{"), base[end - 1] == UInt8(ascii: "}") else {
            return nil
        }
        self.end = end
        self.position = position + 1
        nesting = 1
        depth = 1
        lookedInto = 1
    }

    @inline(__always)
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    /// Goes to the end; false if the document is no object, or odd.
    ///
    /// Everything that it calls and that changes the walk is inlined, once, so that the walk is kept in registers.
    @inline(__always)
    mutating func run() -> Bool {
        if peek() == UInt8(ascii: "}") { return position &+ 1 == end }
        while true {
            if nesting & 1 != 0, !name() { return false }
            switch value() {
            case .scalar: break
            case .container: if peek() != closing { continue }
            case .wrong: return false
            }
            switch behindValue() {
            case .next: continue
            case .end: return position == end
            case .wrong: return false
            }
        }
    }

    private enum Step {
        case scalar
        case container
        case wrong
    }

    private enum Way {
        /// Another member or element follows.
        case next
        /// The document has ended.
        case end
        case wrong
    }

    /// The bracket that ends the innermost container.
    @inline(__always)
    private var closing: UInt8 { nesting & 1 != 0 ? UInt8(ascii: "}") : UInt8(ascii: "]") }

    /// The next byte that is no white space. There is one: the last brace has not been passed.
    @inline(__always)
    private mutating func peek() -> UInt8 {
        while true {
            let byte = base[position]
            guard byte <= 0x20, JSONProbeWalk.isSpace(byte) else { return byte }
            position &+= 1
        }
    }

    /// Closes what ends here and steps over the comma.
    @inline(__always)
    private mutating func behindValue() -> Way {
        while true {
            let byte = peek()
            position &+= 1
            if byte == UInt8(ascii: ",") { return .next }
            guard byte == closing else { return .wrong }
            if lookedInto == depth {
                lookedInto &-= 1
                place = nodes[place].parent
            } else if passedField >= 0, lookedInto &+ 1 == depth {
                fields[passedField].span.end = Int32(truncatingIfNeeded: position)
                passedField = -1
            }
            depth &-= 1
            nesting &>>= 1
            if depth == 0 { return .end }
            guard position < end else { return .wrong }
        }
    }

    /// A name and its colon. What the value means is known then.
    @inline(__always)
    private mutating func name() -> Bool {
        guard peek() == JSONBytes.quote else { return false }
        let start = position &+ 1
        var hasEscapes = false
        guard string(&hasEscapes) else { return false }
        if depth == lookedInto {
            if hasEscapes { return false }
            look(start, position &- 1 &- start)
        }
        guard peek() == UInt8(ascii: ":") else { return false }
        position &+= 1
        return true
    }

    @inline(__always)
    private mutating func look(_ start: Int, _ count: Int) {
        let node = nodes + place
        guard node.pointee.lengths &>> UInt64(truncatingIfNeeded: min(count, 63)) & 1 != 0 else { return }
        var index = node.pointee.firstEntry
        let last = index &+ node.pointee.entryCount
        while index < last {
            if entries[index].nameCount == count, JSONBytes.equal(base + start, entries[index].name, count) {
                next = index
                return
            }
            index &+= 1
        }
    }

    /// Steps over a scalar, or into a container; odd ones are wrong.
    @inline(__always)
    private mutating func value() -> Step {
        let byte = peek()
        let start = position
        let kind: JSONKind
        var hasEscapes = false
        switch byte {
        case JSONBytes.quote:
            guard string(&hasEscapes) else { return .wrong }
            kind = .string
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return open(byte == UInt8(ascii: "{")) ? .container : .wrong
        case UInt8(ascii: "n"):
            guard word(0x6C6C_756E) else { return .wrong }
            kind = .null
        case UInt8(ascii: "t"):
            guard word(0x6575_7274) else { return .wrong }
            kind = .true
        case UInt8(ascii: "f"):
            position &+= 1
            guard word(0x6573_6C61) else { return .wrong }
            kind = .false
        default:
            guard number(byte) else { return .wrong }
            kind = .number
        }
        if next >= 0 {
            let field = JSONField(
                span: JSONSpan(start: start, end: position), kind: kind, hasEscapes: hasEscapes)
            return record(field) ? .scalar : .wrong
        }
        // Elements of an array that is looked into have to be objects.
        return depth == lookedInto && nodes[place].element >= 0 ? .wrong : .scalar
    }

    @inline(__always)
    private mutating func open(_ isObject: Bool) -> Bool {
        guard depth < JSONProbeWalk.maxDepth else { return false }
        if depth == lookedInto, !enter(isObject) { return false }
        nesting = nesting &<< 1 | (isObject ? 1 : 0)
        depth &+= 1
        position &+= 1
        return true
    }

    /// A container within one that is looked into: perhaps it is looked into as well. False if it is odd.
    @inline(__always)
    private mutating func enter(_ isObject: Bool) -> Bool {
        let element = nodes[place].element
        if element >= 0 {
            elements += 1
            guard isObject, elements == 1 else { return false }
            place = element
        } else {
            guard next >= 0 else { return true }
            let node = entries[next].node
            let id = entries[next].id
            let kind = isObject ? JSONKind.object : .array
            guard record(JSONField(span: JSONSpan(start: position, end: position), kind: kind, hasEscapes: false))
            else { return false }
            guard node >= 0, (nodes[node].element < 0) == isObject else {
                passedField = id
                return true
            }
            place = node
            elements = 0
        }
        lookedInto = depth &+ 1
        return true
    }

    @inline(__always)
    private mutating func record(_ field: JSONField) -> Bool {
        let id = entries[next].id
        let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: id)
        next = -1
        guard present & bit == 0 else { return false }
        present |= bit
        fields[id] = field
        return true
    }

    // MARK: - Tokens

    /// Steps over the string that begins here.
    @inline(__always)
    private mutating func string(_ hasEscapes: inout Bool) -> Bool {
        if end &- position > ByteBlock.count,
            let hit = ByteBlock.first(JSONBytes.specials(ByteBlock(base, position &+ 1))),
            base[position &+ 1 &+ hit] == JSONBytes.quote
        {
            position &+= hit &+ 2
            return true
        }
        let found = JSONProbeWalk.longString(base, end, position)
        position = found.end
        hasEscapes = found.hasEscapes
        return found.end > 0
    }

    /// Where a string that begins at `position` ends; 0 if it does not.
    @inline(never)
    private static func longString(
        _ base: UnsafePointer<UInt8>, _ end: Int, _ position: Int
    ) -> (end: Int, hasEscapes: Bool) {
        do throws(JSONError) {
            var cursor = try JSONCursor(UnsafeRawBufferPointer(start: base, count: end), from: position)
            let hasEscapes = try cursor.skipString()
            return (cursor.position, hasEscapes)
        } catch {
            return (0, false)
        }
    }

    /// Four bytes in their order in memory.
    @inline(__always)
    private mutating func word(_ word: UInt32) -> Bool {
        guard end &- position > 4 else { return false }
        let found = UnsafeRawPointer(base + position).loadUnaligned(as: UInt32.self)
        position &+= 4
        return UInt32(littleEndian: found) == word
    }

    /// Steps over the number that begins here.
    @inline(__always)
    private mutating func number(_ first: UInt8) -> Bool {
        var index = position
        if first &- 0x30 < 10 {
            index &+= 1
            if first != 0x30 { while base[index] &- 0x30 < 10 { index &+= 1 } }
            switch base[index] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x0A, 0x0D, 0x09:
                position = index
                return true
            default: break
            }
        } else if first != UInt8(ascii: "-") {
            return false
        }
        position = JSONProbeWalk.rareNumber(base, end, position)
        return position > 0
    }

    /// Where a number that begins at `position` ends; 0 if it is none.
    @inline(never)
    private static func rareNumber(_ base: UnsafePointer<UInt8>, _ end: Int, _ position: Int) -> Int {
        do throws(JSONError) {
            var cursor = try JSONCursor(UnsafeRawBufferPointer(start: base, count: end), from: position)
            try cursor.skipNumber()
            return cursor.position
        } catch {
            return 0
        }
    }
}
