extension JSONTape {
    @inlinable package func kind(_ index: JSONIndex) -> JSONKind {
        tokens[index.position].kind
    }

    /// The whole value, quotes and brackets included.
    @inlinable package func span(_ index: JSONIndex) -> JSONSpan {
        let token = tokens[index.position]
        return JSONSpan(start: Int(token.start), end: Int(token.end))
    }

    /// A string or key without its quotes, still escaped.
    @inlinable package func stringSpan(_ index: JSONIndex) -> JSONSpan {
        let token = tokens[index.position]
        return JSONSpan(start: Int(token.start) + 1, end: Int(token.end) - 1)
    }

    /// Whether a string or key has to be unescaped before it is compared or shown.
    @inlinable package func hasEscapes(_ index: JSONIndex) -> Bool {
        tokens[index.position].hasEscapes
    }

    /// The bytes of the whole value, as they stand in the document.
    @inlinable package func raw(_ index: JSONIndex) -> UnsafeRawBufferPointer {
        span(index).bytes(in: bytes)
    }

    /// The bytes of a string or key without its quotes, still escaped.
    @inlinable package func rawString(_ index: JSONIndex) -> UnsafeRawBufferPointer {
        stringSpan(index).bytes(in: bytes)
    }

    // MARK: - Moving

    /// The first element of an array, or the first key of an object; nil when empty or not a container.
    @inlinable package func first(_ index: JSONIndex) -> JSONIndex? {
        let token = tokens[index.position]
        guard token.kind.isContainer, Int(token.link) > index.position + 1 else { return nil }
        return JSONIndex(index.position + 1)
    }

    /// What follows in the same container: from an element the next element, from a member's value the next key,
    /// from a key its value; nil at the end.
    @inlinable package func next(_ index: JSONIndex) -> JSONIndex? {
        let token = tokens[index.position]
        guard !token.isLast, Int(token.link) < count else { return nil }
        return JSONIndex(Int(token.link))
    }

    /// The members of an object in document order, duplicates included; none for any other kind.
    @inlinable package func members(of object: JSONIndex) -> Members {
        if case .object = kind(object) {
            Members(tape: self, key: first(object))
        } else {
            Members(tape: self, key: nil)
        }
    }

    /// The elements of an array in order; none for any other kind.
    @inlinable package func elements(of array: JSONIndex) -> Elements {
        if case .array = kind(array) {
            Elements(tape: self, index: first(array))
        } else {
            Elements(tape: self, index: nil)
        }
    }

    // MARK: - Finding

    /// The value of a member of an object; of duplicates the last. Nil when absent or `object` is no object.
    package func member(_ object: JSONIndex, named name: StaticString) -> JSONIndex? {
        member(object, named: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// The same for a name known only at run time, in UTF-8.
    package func member(_ object: JSONIndex, named name: UnsafeRawBufferPointer) -> JSONIndex? {
        guard kind(object) == .object, let first = first(object) else { return nil }
        return tokens.withUnsafeBufferPointer { tokens in
            var found: JSONIndex?
            var key = first.position
            while true {
                if matches(tokens[key], name) { found = JSONIndex(key &+ 1) }
                let value = tokens[key &+ 1]
                guard !value.isLast, Int(value.link) < count else { return found }
                key = Int(value.link)
            }
        }
    }

    /// Whether a key says `name`. Most keys differ in their length already.
    @inline(__always)
    private func matches(_ key: Token, _ name: UnsafeRawBufferPointer) -> Bool {
        let length = Int(key.end) &- Int(key.start) &- 2
        if key.hasEscapes {
            let raw = UnsafeRawBufferPointer(rebasing: bytes[Int(key.start) + 1..<Int(key.end) - 1])
            return JSONEscape.equals(raw, hasEscapes: true, name)
        }
        guard length == name.count, let start = bytes.baseAddress, let text = name.baseAddress else { return false }
        return JSONBytes.equal(
            (start + Int(key.start) + 1).assumingMemoryBound(to: UInt8.self), text.assumingMemoryBound(to: UInt8.self),
            length)
    }

    /// The value of a member that is there and not null.
    package func present(_ object: JSONIndex, named name: StaticString) -> JSONIndex? {
        guard let value = member(object, named: name), kind(value) != .null else { return nil }
        return value
    }

    /// Follows member names from `object` inwards.
    package func member(_ object: JSONIndex, path names: StaticString...) -> JSONIndex? {
        var index = object
        for name in names {
            guard let inner = member(index, named: name) else { return nil }
            index = inner
        }
        return index
    }

    // MARK: - Reading scalars

    /// Whether a string or key says exactly `text`; false for other kinds.
    package func equals(_ index: JSONIndex, _ text: StaticString) -> Bool {
        equals(index, UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// The same for text known only at run time, in UTF-8.
    package func equals(_ index: JSONIndex, _ text: UnsafeRawBufferPointer) -> Bool {
        let token = tokens[index.position]
        guard token.kind == .string else { return false }
        if !token.hasEscapes, Int(token.end) - Int(token.start) - 2 != text.count { return false }
        return JSONEscape.equals(rawString(index), hasEscapes: token.hasEscapes, text)
    }

    /// A string or key, unescaped; nil for other kinds.
    package func string(_ index: JSONIndex) -> String? {
        guard kind(index) == .string else { return nil }
        return JSONEscape.string(from: rawString(index), hasEscapes: hasEscapes(index))
    }

    /// An integer, also when written as `1.0` or `1e3`; nil for other kinds and fractions.
    package func int(_ index: JSONIndex) -> Int? {
        guard kind(index) == .number else { return nil }
        return JSONNumber.integer(raw(index))
    }

    package func double(_ index: JSONIndex) -> Double? {
        guard kind(index) == .number else { return nil }
        return Double(String(decoding: raw(index), as: UTF8.self))
    }

    @inlinable package func bool(_ index: JSONIndex) -> Bool? {
        switch kind(index) {
        case .true: true
        case .false: false
        default: nil
        }
    }
}

extension JSONTape {
    /// One member of an object.
    @usableFromInline
    package struct Member {
        @usableFromInline package var key: JSONIndex
        @usableFromInline package var value: JSONIndex

        @inlinable init(key: JSONIndex, value: JSONIndex) {
            self.key = key
            self.value = value
        }
    }

    @usableFromInline
    package struct Members: Sequence, IteratorProtocol {
        @usableFromInline let tape: JSONTape
        @usableFromInline var key: JSONIndex?

        @inlinable init(tape: JSONTape, key: JSONIndex?) {
            self.tape = tape
            self.key = key
        }

        @inlinable package mutating func next() -> Member? {
            guard let key else { return nil }
            let value = JSONIndex(key.position + 1)
            self.key = tape.next(value)
            return Member(key: key, value: value)
        }
    }

    @usableFromInline
    package struct Elements: Sequence, IteratorProtocol {
        @usableFromInline let tape: JSONTape
        @usableFromInline var index: JSONIndex?

        @inlinable init(tape: JSONTape, index: JSONIndex?) {
            self.tape = tape
            self.index = index
        }

        @inlinable package mutating func next() -> JSONIndex? {
            guard let current = index else { return nil }
            index = tape.next(current)
            return current
        }
    }
}
