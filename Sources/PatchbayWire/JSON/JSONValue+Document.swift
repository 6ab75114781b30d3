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
        self = JSONNode.with(tape, index) { $0.tree }
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

extension JSONNode {
    /// The value as a tree, to be kept.
    package var tree: JSONValue {
        if let text = stringValue { return .string(text) }
        if let flag = boolValue { return .bool(flag) }
        if isObject { return .object(objectTree) }
        if isArray { return .array(elementTrees) }
        return isNull ? .null : .number(JSONNumber(checked: String(decoding: raw, as: UTF8.self)))
    }

    private var elementTrees: [JSONValue] {
        var trees: [JSONValue] = []
        trees.reserveCapacity(childCount)
        for element in elements { trees.append(element.tree) }
        return trees
    }

    private var objectTree: JSONObject {
        var trees: [JSONObject.Member] = []
        trees.reserveCapacity(childCount / 2)
        for member in members { trees.append(JSONObject.Member(key: member.name.text, value: member.value.tree)) }
        return JSONObject(trees)
    }
}

extension JSONValue: CustomStringConvertible {
    package var description: String {
        String(decoding: serialised(), as: UTF8.self)
    }
}
