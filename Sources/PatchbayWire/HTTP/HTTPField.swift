/// One field of a head, as spans into the head's bytes.
package struct HTTPField: Sendable, Hashable {
    /// The name as it was sent.
    package var name: ByteSpan
    /// The value without the blanks around it.
    package var value: ByteSpan
    package var known: HTTPKnownName

    @inlinable
    package init(name: ByteSpan, value: ByteSpan, known: HTTPKnownName) {
        self.name = name
        self.value = value
        self.known = known
    }
}

extension ContiguousArray<HTTPField> {
    /// The value of the first field with this name.
    package func first(_ name: HTTPKnownName) -> ByteSpan? {
        for index in indices where self[index].known == name { return self[index].value }
        return nil
    }

    /// The value of the only field with this name; nil if there is none or more than one.
    package func only(_ name: HTTPKnownName) -> ByteSpan? {
        var found: ByteSpan?
        for index in indices where self[index].known == name {
            if found != nil { return nil }
            found = self[index].value
        }
        return found
    }

    /// The value of the first field whose name is `name` in any case. `name` must be lower case and have only letters,
    /// digits and hyphens. For names that ``HTTPKnownName`` does not list.
    package func first(named name: StaticString, in bytes: UnsafeRawBufferPointer) -> ByteSpan? {
        guard let base = bytes.baseAddress else { return nil }
        let count = name.utf8CodeUnitCount
        for index in indices where Int(self[index].name.count) == count {
            let field = self[index]
            if (base + Int(field.name.start)).equalsIgnoringCase(name, count: count) { return field.value }
        }
        return nil
    }
}
