/// Writes JSON into bytes, with commas and escapes in the right places and always as valid UTF-8.
///
/// The caller keeps the order of calls right: inside an object a key before each value, every `begin` with its `end`.
/// Several documents may be written after each other with ``beginDocument()`` between them.
package struct JSONWriter: Sendable {
    package var bytes: [UInt8]
    /// The next key or element has to be separated from one before it.
    private var needsComma = false

    package init() {
        bytes = []
    }

    /// Appends to bytes that are there already, and uses their spare room.
    package init(appendingTo bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    /// Forgets what was written and keeps the storage.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    /// The next value begins a document of its own, without a comma.
    package mutating func beginDocument() {
        needsComma = false
    }

    // MARK: - Containers

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Writes an object whose members `body` writes.
    package mutating func object<Failure: Error>(_ body: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
        beginObject()
        try body(&self)
        endObject()
    }

    /// Writes an array whose elements `body` writes.
    package mutating func array<Failure: Error>(_ body: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
        beginArray()
        try body(&self)
        endArray()
    }

    private mutating func open(_ bracket: UInt8) {
        let isDue = needsComma
        write(2) { room in
            var end = room
            put(comma: isDue, at: &end)
            put(bracket, at: &end)
            return end
        }
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        write(1) { room in
            room.pointee = bracket
            return room + 1
        }
        needsComma = true
    }

    // MARK: - Keys

    /// - Parameter name: ASCII that needs no escape.
    @inline(__always)
    package mutating func key(_ name: StaticString) {
        quoted(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), colon: true)
    }

    package mutating func key(_ name: String) {
        var name = name
        name.withUTF8 { key(utf8: UnsafeRawBufferPointer($0)) }
    }

    package mutating func key(utf8 name: UnsafeRawBufferPointer) {
        string(utf8: name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: - Scalars

    package mutating func null() { word("null") }
    package mutating func bool(_ value: Bool) { word(value ? "true" : "false") }

    package mutating func number(_ value: Int) {
        let digits = DecimalDigits(value.magnitude)
        let isDue = needsComma
        write(digits.count + 2) { room in
            var end = room
            put(comma: isDue, at: &end)
            if value < 0 { put(UInt8(ascii: "-"), at: &end) }
            return digits.write(to: end)
        }
        needsComma = true
    }

    /// Infinities and NaN become null.
    package mutating func number(_ value: Double) {
        guard let number = JSONNumber(value) else { return null() }
        self.number(number)
    }

    package mutating func number(_ value: JSONNumber) {
        var lexeme = value.lexeme
        lexeme.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    package mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string(utf8: UnsafeRawBufferPointer($0)) }
    }

    package mutating func string(_ text: StaticString) {
        string(utf8: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes text given as UTF-8; what is not UTF-8 becomes U+FFFD.
    package mutating func string(utf8 text: UnsafeRawBufferPointer) {
        guard let start = text.baseAddress else { return quoted(text, colon: false) }
        let base = start.assumingMemoryBound(to: UInt8.self)
        guard JSONBytes.firstSpecialOrNonASCII(base, 0, text.count) < text.count else {
            return quoted(text, colon: false)
        }
        separate()
        needsComma = true
        bytes.append(JSONBytes.quote)
        appendEscaped(text)
        bytes.append(JSONBytes.quote)
    }

    /// Writes the inside of a string of a checked document (``JSONTape/rawString(_:)``) without unescaping it.
    /// Lone surrogates and invalid UTF-8 become U+FFFD; all other bytes are copied.
    package mutating func string(raw: UnsafeRawBufferPointer) {
        separate()
        needsComma = true
        bytes.append(JSONBytes.quote)
        appendRaw(raw)
        bytes.append(JSONBytes.quote)
    }

    // MARK: - Whole values

    /// Writes bytes that are one JSON value already; they are not checked.
    package mutating func raw(_ value: UnsafeRawBufferPointer) {
        let isDue = needsComma
        write(value.count + 1) { room in
            var end = room
            put(comma: isDue, at: &end)
            return copy(value, to: end)
        }
        needsComma = true
    }

    package mutating func raw(_ value: [UInt8]) {
        value.withUnsafeBytes { raw($0) }
    }

    package mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value): number(value)
        case .string(let value): string(value)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members {
                key(member.key)
                self.value(member.value)
            }
            endObject()
        }
    }

    // MARK: - Bytes

    /// Appends a comma if one is due, the text in quotes, and a colon, all in one step.
    private mutating func quoted(_ text: UnsafeRawBufferPointer, colon: Bool) {
        let isDue = needsComma
        write(text.count + 4) { room in
            var end = room
            put(comma: isDue, at: &end)
            put(JSONBytes.quote, at: &end)
            end = copy(text, to: end)
            put(JSONBytes.quote, at: &end)
            if colon { put(UInt8(ascii: ":"), at: &end) }
            return end
        }
        needsComma = !colon
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func word(_ text: StaticString) {
        raw(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Lets `body` write at most `count` bytes behind the last one; it returns the end of what it wrote.
    @inline(__always)
    private mutating func write(
        _ count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>
    ) {
        if bytes.capacity &- bytes.count < count { grow(by: count) }
        bytes.append(addingCapacity: count) { span in
            span.withUnsafeMutableBufferPointer { room, used in
                guard let base = room.baseAddress else { return }
                used = body(base + used) - base
            }
        }
    }

    /// Growing from nothing in small steps would move a small document many times.
    @inline(never)
    private mutating func grow(by count: Int) {
        bytes.reserveCapacity(Swift.max(512, 2 * bytes.capacity, bytes.count + count))
    }
}

@inline(__always)
private func put(_ byte: UInt8, at end: inout UnsafeMutablePointer<UInt8>) {
    end.pointee = byte
    end += 1
}

@inline(__always)
private func put(comma isDue: Bool, at end: inout UnsafeMutablePointer<UInt8>) {
    end.pointee = UInt8(ascii: ",")
    end += isDue ? 1 : 0
}

@inline(__always)
private func copy(
    _ text: UnsafeRawBufferPointer, to end: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
    guard let start = text.baseAddress else { return end }
    UnsafeMutableRawPointer(end).copyMemory(from: start, byteCount: text.count)
    return end + text.count
}
