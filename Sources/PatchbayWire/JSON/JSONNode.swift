/// A value where it stands on a tape: readers that take a document apart need no tree of it.
///
/// Valid only inside the call of ``with(_:malformed:_:)`` that made it. Everything here is a few loads and compares;
/// only texts and trees that are kept allocate.
package struct JSONNode {
    private let tokens: UnsafePointer<JSONTape.Token>
    private let document: UnsafePointer<UInt8>
    private let position: Int

    @inline(__always)
    private init(_ tokens: UnsafePointer<JSONTape.Token>, _ document: UnsafePointer<UInt8>, _ position: Int) {
        self.tokens = tokens
        self.document = document
        self.position = position
    }

    /// Parses a document for the length of a call.
    package static func with<Result, Failure: Error>(
        _ document: UnsafeRawBufferPointer, malformed: (JSONError) -> Failure,
        _ body: (JSONNode) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var tape = JSONTape()
        do throws(JSONError) {
            try tape.parse(document)
        } catch {
            throw malformed(error)
        }
        return try with(tape, tape.root, body)
    }

    package static func with<Result, Failure: Error>(
        _ document: [UInt8], malformed: (JSONError) -> Failure, _ body: (JSONNode) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try document.withUnsafeBufferPointer { bytes throws(Failure) in
            try with(UnsafeRawBufferPointer(bytes), malformed: malformed, body)
        }
    }

    /// A value of a tape that was parsed, for the length of a call.
    package static func with<Result, Failure: Error>(
        _ tape: borrowing JSONTape, _ index: JSONIndex, _ body: (JSONNode) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let document = tape.bytes.baseAddress
        return try tape.tokens.withUnsafeBufferPointer { tokens throws(Failure) in
            guard let first = tokens.baseAddress, let document else {
                preconditionFailure("a tape has tokens and a document before it has an index")
            }
            return try body(JSONNode(first, document.assumingMemoryBound(to: UInt8.self), index.position))
        }
    }

    @inline(__always)
    private func at(_ position: Int) -> JSONNode { JSONNode(tokens, document, position) }

    @inline(__always)
    private var token: JSONTape.Token { tokens[position] }

    @inline(__always)
    private func bytes(_ start: Int32, _ end: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: document + Int(start), count: Int(end &- start))
    }

    /// The value as it stands in the document, quotes and brackets included.
    package var raw: UnsafeRawBufferPointer { bytes(token.start, token.end) }

    // MARK: - Containers

    @inline(__always)
    package var isObject: Bool { if case .object = token.kind { true } else { false } }

    @inline(__always)
    package var isArray: Bool { if case .array = token.kind { true } else { false } }

    /// The first key or element; nil when there is none.
    @inline(__always)
    private var firstChild: Int? { Int(token.link) > position &+ 1 ? position &+ 1 : nil }

    /// The members of an object in their order; none of anything else.
    @inline(__always)
    package var members: Members { Members(self, isObject ? firstChild : nil) }

    /// The elements of an array in their order; none of anything else.
    @inline(__always)
    package var elements: Elements { Elements(self, isArray ? firstChild : nil) }

    /// Elements of an array; keys and values of an object.
    package var childCount: Int {
        guard isObject || isArray, var child = firstChild else { return 0 }
        var count = 1
        while !tokens[child].isLast {
            child = Int(tokens[child].link)
            count &+= 1
        }
        return count
    }

    /// A member of an object, of duplicates the last; nil when absent or when this is no object.
    package subscript(name: StaticString) -> JSONNode? {
        guard isObject, var key = firstChild else { return nil }
        var found: JSONNode?
        while true {
            let value = at(key &+ 1)
            if Name(at(key)).equals(name) { found = value }
            if value.token.isLast { return found }
            key = Int(value.token.link)
        }
    }

    // MARK: - Scalars

    @inline(__always)
    package var isNull: Bool { if case .null = token.kind { true } else { false } }

    /// The text of a string; nil for other kinds, as with the others.
    package var stringValue: String? {
        guard case .string = token.kind else { return nil }
        return text
    }

    /// The inside of a string, unescaped.
    fileprivate var text: String {
        JSONEscape.string(from: bytes(token.start &+ 1, token.end &- 1), hasEscapes: token.hasEscapes)
    }

    package var intValue: Int? {
        guard case .number = token.kind else { return nil }
        return JSONNumber.integer(raw)
    }

    @inline(__always)
    package var boolValue: Bool? {
        switch token.kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// Whether this is the string `text`, which is UTF-8 without escapes.
    @inline(__always)
    package func equals(_ text: StaticString) -> Bool {
        guard case .string = token.kind else { return false }
        return Name(self).equals(text)
    }
}

extension JSONNode {
    /// The name of a member where it stands.
    package struct Name {
        private let node: JSONNode

        @inline(__always)
        fileprivate init(_ node: JSONNode) {
            self.node = node
        }

        /// Whether the name is this one, which is UTF-8 without escapes. Most differ in their length already.
        @inline(__always)
        package func equals(_ name: StaticString) -> Bool {
            let token = node.token
            if token.hasEscapes { return equalsEscaped(name) }
            let count = name.utf8CodeUnitCount
            return Int(token.end &- token.start) &- 2 == count
                && JSONBytes.equal(node.document + Int(token.start) + 1, name.utf8Start, count)
        }

        @inline(never)
        private func equalsEscaped(_ name: StaticString) -> Bool {
            JSONEscape.equals(
                node.bytes(node.token.start &+ 1, node.token.end &- 1), hasEscapes: true,
                UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }

        package var text: String {
            if !node.token.hasEscapes,
                let known = JSONKeyWords.string(for: node.bytes(node.token.start &+ 1, node.token.end &- 1))
            {
                return known
            }
            return node.text
        }
    }

    package struct Members: Sequence, IteratorProtocol {
        private let object: JSONNode
        private var key: Int?

        @inline(__always)
        fileprivate init(_ object: JSONNode, _ key: Int?) {
            self.object = object
            self.key = key
        }

        package var first: (name: Name, value: JSONNode)? {
            var members = self
            return members.next()
        }

        @inline(__always)
        package mutating func next() -> (name: Name, value: JSONNode)? {
            guard let key else { return nil }
            let value = object.at(key &+ 1)
            self.key = value.token.isLast ? nil : Int(value.token.link)
            return (Name(object.at(key)), value)
        }
    }

    package struct Elements: Sequence, IteratorProtocol {
        private let array: JSONNode
        private var position: Int?

        @inline(__always)
        fileprivate init(_ array: JSONNode, _ position: Int?) {
            self.array = array
            self.position = position
        }

        package var first: JSONNode? { position.map { array.at($0) } }

        @inline(__always)
        package mutating func next() -> JSONNode? {
            guard let position else { return nil }
            let element = array.at(position)
            self.position = element.token.isLast ? nil : Int(element.token.link)
            return element
        }
    }
}
