/// The members of a JSON object in their order. Duplicate names are kept; a lookup finds the last.
///
/// Lookups walk the members: meant for documents of ordinary size, not as a dictionary.
package struct JSONObject: Sendable, Hashable {
    package struct Member: Sendable, Hashable {
        package var key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    package var members: [Member]

    package init(_ members: [Member] = []) {
        self.members = members
    }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
    package var keys: [String] { members.map(\.key) }

    /// The value of the last member of that name; nil = absent (a JSON null is `.null`).
    ///
    /// Setting replaces the value in place or appends a member; setting nil removes every member of that name.
    package subscript(key: String) -> JSONValue? {
        get { members.last { $0.key == key }?.value }
        set {
            guard let newValue else {
                remove(key)
                return
            }
            if let index = members.lastIndex(where: { $0.key == key }) {
                members[index].value = newValue
            } else {
                members.append(Member(key: key, value: newValue))
            }
        }
    }

    package func contains(_ key: String) -> Bool {
        members.contains { $0.key == key }
    }

    /// Adds a member at the end without looking for one of the same name.
    package mutating func append(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
    }

    /// Sets the value unless it is nil: for optional fields that must stay absent.
    package mutating func setIfPresent(_ key: String, _ value: JSONValue?) {
        if let value { self[key] = value }
    }

    /// Removes every member of that name and returns the value that a lookup found.
    @discardableResult
    package mutating func remove(_ key: String) -> JSONValue? {
        guard let value = self[key] else { return nil }
        members.removeAll { $0.key == key }
        return value
    }
}

extension JSONObject: Sequence {
    package func makeIterator() -> IndexingIterator<[Member]> {
        members.makeIterator()
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(key: $0.0, value: $0.1) }
    }
}
