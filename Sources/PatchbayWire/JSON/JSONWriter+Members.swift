/// A key and its value in one call.
extension JSONWriter {
    package mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        string(text)
    }

    package mutating func member(_ name: StaticString, literal text: StaticString) {
        key(name)
        string(text)
    }

    package mutating func member(_ name: StaticString, _ number: Int) {
        key(name)
        self.number(number)
    }

    package mutating func member(_ name: StaticString, _ number: Double) {
        key(name)
        self.number(number)
    }

    package mutating func member(_ name: StaticString, _ flag: Bool) {
        key(name)
        bool(flag)
    }

    package mutating func member(_ name: StaticString, _ value: JSONValue) {
        key(name)
        self.value(value)
    }

    /// Writes nothing when the value is nil, so that the member stays absent.
    package mutating func member(_ name: StaticString, ifPresent value: JSONValue?) {
        guard let value else { return }
        member(name, value)
    }

    package mutating func member(_ name: StaticString, ifPresent text: String?) {
        guard let text else { return }
        member(name, text)
    }

    package mutating func member(_ name: StaticString, ifPresent number: Int?) {
        guard let number else { return }
        member(name, number)
    }

    package mutating func nullMember(_ name: StaticString) {
        key(name)
        null()
    }

    /// Copies a value of a tape as it stands in its document.
    package mutating func member(_ name: StaticString, _ tape: borrowing JSONTape, _ index: JSONIndex) {
        key(name)
        raw(tape.raw(index))
    }
}
