/// Finds a fixed set of members of a document in one pass, also within objects and arrays of it, without a tree,
/// without allocation and without a call for each member: for documents whose form is nearly always the same.
///
/// The whole document is checked as ``JSONFieldScanner`` checks it. What has more than one meaning, or cannot be told
/// by bytes alone, is not interpreted but refused as odd, so that the caller takes a way on which it is.
// Needs no lock: the tables are written before the value exists, only read afterwards and never freed.
package struct JSONProbe: @unchecked Sendable {
    private let nodes: UnsafePointer<Node>
    private let entries: UnsafePointer<Entry>
    /// As many members are looked for; at most 32.
    package let count: Int

    /// A member that is looked for.
    package indirect enum Member {
        case value(StaticString)
        /// An object of which members are looked for.
        case object(StaticString, [Member])
        /// An array of one object, of which members are looked for.
        case array(StaticString, [Member])
    }

    struct Node {
        var firstEntry = 0
        var entryCount = 0
        /// Bit n: a name has n bytes; 63 = that or more.
        var lengths: UInt64 = 0
        var parent = -1
        /// Of an array: the node of its element; -1 = this is an object.
        var element = -1
    }

    struct Entry {
        var name: UnsafePointer<UInt8>
        var nameCount: Int
        var id: Int
        /// What is looked for within; -1 = nothing.
        var node: Int
    }

    /// - Parameter members: of the outermost object. They are numbered in the order in which they are written here,
    ///   a container before what is in it.
    package init(_ members: [Member]) {
        var builder = Builder()
        builder.add(members, parent: -1)
        precondition(builder.nextID <= 32, "a probe looks for at most 32 members")
        count = builder.nextID
        nodes = Self.kept(builder.nodes)
        entries = Self.kept(builder.entries)
    }

    private static func kept<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(elements.count, 1))
        _ = memory.initialize(from: elements)
        guard let base = memory.baseAddress else { preconditionFailure("allocated memory has an address") }
        return UnsafePointer(base)
    }

    /// Looks at a document.
    ///
    /// - Parameter fields: room for ``count`` fields. Those of members that are there are written; the span of a
    ///   container that members are looked for in has no defined end.
    /// - Returns: bit n: the member n is there. Nil if `bytes` are not one JSON object, or an odd one: a member that is
    ///   looked for is there twice, a name that might be one is written with escapes, or an array has several elements
    ///   or one that is no object.
    package func find(in bytes: UnsafeRawBufferPointer, _ fields: UnsafeMutablePointer<JSONField>) -> UInt32? {
        guard var walk = JSONProbeWalk(bytes, nodes, entries, fields), walk.run() else { return nil }
        return walk.present
    }

    private struct Builder {
        var nodes: [Node] = []
        var entries: [Entry] = []
        var nextID = 0

        @discardableResult
        mutating func add(_ members: [Member], parent: Int) -> Int {
            let index = nodes.count
            nodes.append(Node(parent: parent))
            var own: [Entry] = []
            for member in members { own.append(entry(for: member, in: index)) }
            nodes[index].firstEntry = entries.count
            nodes[index].entryCount = own.count
            for entry in own { nodes[index].lengths |= 1 << UInt64(min(entry.nameCount, 63)) }
            entries += own
            return index
        }

        private mutating func entry(for member: Member, in node: Int) -> Entry {
            let id = nextID
            nextID += 1
            switch member {
            case .value(let name): return entry(name, id, -1)
            case .object(let name, let members): return entry(name, id, add(members, parent: node))
            case .array(let name, let members):
                let array = nodes.count
                nodes.append(Node(parent: node))
                nodes[array].element = add(members, parent: array)
                return entry(name, id, array)
            }
        }

        private func entry(_ name: StaticString, _ id: Int, _ node: Int) -> Entry {
            Entry(name: name.utf8Start, nameCount: name.utf8CodeUnitCount, id: id, node: node)
        }
    }
}

/// The members that a ``JSONProbe`` has found in a document, by number.
@usableFromInline
package struct JSONProbeFields {
    @usableFromInline let fields: UnsafeMutablePointer<JSONField>
    @usableFromInline let present: UInt32
    @usableFromInline let document: UnsafeRawBufferPointer

    /// - Parameter fields: what the probe wrote, which has to outlive this value.
    @inlinable
    package init(_ fields: UnsafeMutablePointer<JSONField>, present: UInt32, of document: UnsafeRawBufferPointer) {
        self.fields = fields
        self.present = present
        self.document = document
    }

    @inlinable
    package subscript(id: Int) -> JSONField? {
        present &>> UInt32(truncatingIfNeeded: id) & 1 == 0 ? nil : fields[id]
    }

    /// A text without escapes that is not empty; nil for everything else.
    @inlinable
    package func plainText(_ id: Int) -> UnsafeRawBufferPointer? {
        guard let field = self[id], !field.hasEscapes, field.span.count > 2 else { return nil }
        return field.rawString(in: document)
    }

    /// Whether the member is missing or null.
    @inlinable
    package func isAbsent(_ id: Int) -> Bool {
        guard let field = self[id] else { return true }
        if case .null = field.kind { return true }
        return false
    }

    /// A whole number of one to eighteen digits; nil for a member that is missing or null.
    ///
    /// - Parameter isOdd: set if the member is anything else.
    @inlinable
    package func plainInt(_ id: Int, isOdd: inout Bool) -> Int? {
        guard let field = self[id] else { return nil }
        guard case .number = field.kind, field.span.count <= 18, let base = document.baseAddress else {
            if !isAbsent(id) { isOdd = true }
            return nil
        }
        var number = 0
        for index in Int(field.span.start)..<Int(field.span.end) {
            let digit = base.load(fromByteOffset: index, as: UInt8.self) &- 0x30
            guard digit < 10 else {
                isOdd = true
                return nil
            }
            number = number &* 10 &+ Int(digit)
        }
        return number
    }
}
