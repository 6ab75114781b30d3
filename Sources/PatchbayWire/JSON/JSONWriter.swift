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
        // Growing from nothing would move a small document many times.
        if bytes.capacity == 0 { bytes.reserveCapacity(512) }
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    // MARK: - Keys

    /// - Parameter name: ASCII that needs no escape.
    package mutating func key(_ name: StaticString) {
        appendWhole(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), colon: true)
        needsComma = false
    }

    package mutating func key(_ name: String) {
        var name = name
        name.withUTF8 { key(utf8: UnsafeRawBufferPointer($0)) }
    }

    package mutating func key(utf8 name: UnsafeRawBufferPointer) {
        if Self.isPlain(name) {
            appendWhole(name, colon: true)
            needsComma = false
            return
        }
        string(utf8: name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: - Scalars

    package mutating func null() { word("null") }
    package mutating func bool(_ value: Bool) { word(value ? "true" : "false") }

    package mutating func number(_ value: Int) {
        separate()
        needsComma = true
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        appendDigits(value.magnitude)
    }

    /// Infinities and NaN become null.
    package mutating func number(_ value: Double) {
        guard let number = JSONNumber(value) else { return null() }
        self.number(number)
    }

    package mutating func number(_ value: JSONNumber) {
        separate()
        needsComma = true
        bytes.append(contentsOf: value.lexeme.utf8)
    }

    package mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string(utf8: UnsafeRawBufferPointer($0)) }
    }

    package mutating func string(_ text: StaticString) {
        string(utf8: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes text given as UTF-8; what is not UTF-8 becomes U+FFFD.
    package mutating func string(utf8 text: UnsafeRawBufferPointer) {
        if Self.isPlain(text) {
            appendWhole(text, colon: false)
            needsComma = true
            return
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
        separate()
        needsComma = true
        bytes.append(contentsOf: value)
    }

    package mutating func raw(_ value: [UInt8]) {
        separate()
        needsComma = true
        bytes.append(contentsOf: value)
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

    /// A short text without anything to escape: most names and words.
    @inline(__always)
    private static func isPlain(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count <= 32, let start = text.baseAddress else { return false }
        let base = start.assumingMemoryBound(to: UInt8.self)
        return JSONBytes.firstSpecialOrNonASCII(base, 0, text.count) == text.count
    }

    /// Appends a comma if one is due, the text in quotes, and a colon, all in one step.
    private mutating func appendWhole(_ text: UnsafeRawBufferPointer, colon: Bool) {
        guard text.count <= 58 else {
            separate()
            bytes.append(JSONBytes.quote)
            bytes.append(contentsOf: text)
            bytes.append(JSONBytes.quote)
            if colon { bytes.append(UInt8(ascii: ":")) }
            return
        }
        var room = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        withUnsafeMutableBytes(of: &room) { room in
            var count = 0
            if needsComma {
                room[0] = UInt8(ascii: ",")
                count = 1
            }
            room[count] = JSONBytes.quote
            UnsafeMutableRawBufferPointer(rebasing: room[(count &+ 1)...]).copyMemory(from: text)
            count &+= text.count &+ 1
            room[count] = JSONBytes.quote
            room[count &+ 1] = UInt8(ascii: ":")
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[..<(count &+ (colon ? 2 : 1))]))
        }
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func word(_ text: StaticString) {
        separate()
        needsComma = true
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func appendDigits(_ value: UInt) {
        guard value >= 10 else { return bytes.append(UInt8(truncatingIfNeeded: value) + 0x30) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { room in
            var rest = value
            var first = 20
            while rest > 0 {
                first -= 1
                room[first] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
                rest /= 10
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: room[first...]))
        }
    }
}
