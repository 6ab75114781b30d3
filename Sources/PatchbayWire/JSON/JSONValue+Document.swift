extension JSONValue {
    /// Reads one document. Invalid UTF-8 and lone surrogates inside strings become U+FFFD.
    ///
    /// - Throws: the first violation of RFC 8259, or nesting deeper than `maxDepth` (at most 128).
    package init(parsing bytes: UnsafeRawBufferPointer, maxDepth: Int = 128) throws(JSONError) {
        var tape = JSONTape()
        try tape.parse(bytes, maxDepth: maxDepth)
        self.init(tape, tape.root)
    }

    package init(parsing bytes: [UInt8], maxDepth: Int = 128) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
            try JSONValue(parsing: UnsafeRawBufferPointer(buffer), maxDepth: maxDepth)
        }
    }

    package init(parsing text: String, maxDepth: Int = 128) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), maxDepth: maxDepth)
    }

    /// Copies the value at `index` of a tape into a tree.
    package init(_ tape: borrowing JSONTape, _ index: JSONIndex) {
        switch tape.kind(index) {
        case .null: self = .null
        case .false: self = .bool(false)
        case .true: self = .bool(true)
        case .number: self = .number(JSONNumber(checked: String(decoding: tape.raw(index), as: UTF8.self)))
        case .string: self = .string(tape.text(index))
        case .array: self = .array(JSONValue.elements(tape, index))
        case .object: self = .object(JSONValue.members(tape, index))
        }
    }

    private static func elements(_ tape: borrowing JSONTape, _ array: JSONIndex) -> [JSONValue] {
        var elements: [JSONValue] = []
        elements.reserveCapacity(tape.childCount(array))
        var next = tape.first(array)
        while let index = next {
            elements.append(JSONValue(tape, index))
            next = tape.next(index)
        }
        return elements
    }

    private static func members(_ tape: borrowing JSONTape, _ object: JSONIndex) -> JSONObject {
        var members: [JSONObject.Member] = []
        members.reserveCapacity(tape.childCount(object) / 2)
        var next = tape.first(object)
        while let key = next {
            let value = JSONIndex(key.position + 1)
            let name = tape.hasEscapes(key) ? nil : JSONKeyWords.string(for: tape.rawString(key))
            members.append(JSONObject.Member(key: name ?? tape.text(key), value: JSONValue(tape, value)))
            next = tape.next(value)
        }
        return JSONObject(members)
    }

    /// The document without white space, as UTF-8.
    package func serialised() -> [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    package func write(into writer: inout JSONWriter) {
        writer.value(self)
    }
}

extension JSONTape {
    /// Elements of an array; keys and values of an object.
    borrowing func childCount(_ index: JSONIndex) -> Int {
        var count = 0
        var next = first(index)
        while let child = next {
            count += 1
            next = self.next(child)
        }
        return count
    }

    /// The unescaped text of a string or key that is known to be one.
    fileprivate borrowing func text(_ index: JSONIndex) -> String {
        JSONEscape.string(from: rawString(index), hasEscapes: hasEscapes(index))
    }
}

extension JSONValue: CustomStringConvertible {
    package var description: String {
        String(decoding: serialised(), as: UTF8.self)
    }
}
