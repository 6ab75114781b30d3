/// A JSON value as readers of documents see it: a tree (``JSONValue``) or a place on a tape (``JSONNode``).
///
/// Readers that are written against it need no tree of a document that they only take apart.
package protocol JSONReadable {
    /// A member of an object, of duplicates the last; nil when absent or when this is no object.
    subscript(name: StaticString) -> Self? { get }
    /// The text of a string; nil for other kinds, as with the others.
    var stringValue: String? { get }
    var intValue: Int? { get }
    var boolValue: Bool? { get }
    var arrayValue: [Self]? { get }
    /// The members of an object in their order.
    var memberList: [(key: String, value: Self)]? { get }
    /// The value as a tree, to be kept.
    var tree: JSONValue { get }
}

extension JSONValue: JSONReadable {
    package subscript(name: StaticString) -> JSONValue? {
        objectValue?.members.last { member in
            var key = member.key
            return key.withUTF8 { key in
                key.count == name.utf8CodeUnitCount
                    && key.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            }
        }?.value
    }

    package var memberList: [(key: String, value: JSONValue)]? {
        objectValue?.members.map { ($0.key, $0.value) }
    }

    package var tree: JSONValue { self }
}

/// A value where it stands on a tape. Valid as long as the tape stays where it is and is not parsed anew.
package struct JSONNode {
    private let tape: UnsafePointer<JSONTape>
    private let index: JSONIndex

    /// The outermost value of a tape.
    package init(_ tape: UnsafePointer<JSONTape>) {
        self.init(tape, tape.pointee.root)
    }

    private init(_ tape: UnsafePointer<JSONTape>, _ index: JSONIndex) {
        self.tape = tape
        self.index = index
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
        return try withUnsafePointer(to: tape) { tape throws(Failure) in try body(JSONNode(tape)) }
    }
}

extension JSONNode: JSONReadable {
    package subscript(name: StaticString) -> JSONNode? {
        guard let found = tape.pointee.member(index, named: name) else { return nil }
        return JSONNode(tape, found)
    }

    package var stringValue: String? { tape.pointee.string(index) }
    package var intValue: Int? { tape.pointee.int(index) }
    package var boolValue: Bool? { tape.pointee.bool(index) }

    package var arrayValue: [JSONNode]? {
        guard case .array = tape.pointee.kind(index) else { return nil }
        var elements: [JSONNode] = []
        elements.reserveCapacity(tape.pointee.childCount(index))
        var next = tape.pointee.first(index)
        while let element = next {
            elements.append(JSONNode(tape, element))
            next = tape.pointee.next(element)
        }
        return elements
    }

    package var memberList: [(key: String, value: JSONNode)]? {
        guard case .object = tape.pointee.kind(index) else { return nil }
        var members: [(key: String, value: JSONNode)] = []
        members.reserveCapacity(tape.pointee.childCount(index) / 2)
        var next = tape.pointee.first(index)
        while let key = next {
            let value = JSONIndex(key.position + 1)
            members.append((tape.pointee.string(key) ?? "", JSONNode(tape, value)))
            next = tape.pointee.next(value)
        }
        return members
    }

    package var tree: JSONValue { JSONValue(tape.pointee, index) }
}
