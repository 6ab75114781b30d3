import PatchbayCore
import PatchbayHost
import PatchbayWire

/// Byte views of strings for the calls into plugins.
enum Views {
    static func of(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

}

/// The header fields of a message, as plugins ask for them. One of these serves all messages of a loop in turn.
final class HeaderView: HeaderSource {
    private var fields: ContiguousArray<HTTPField> = []
    private var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    private var joinsRepeated = false
    /// Values that were put together, until the message is shown no more.
    private var joined: [UnsafeMutableRawBufferPointer] = []

    /// A header that a plugin asked for, and what it was told.
    struct Asked {
        let name: [UInt8]
        /// nil = there is none.
        let value: [UInt8]?
    }

    /// What is asked for is noted in ``asked``.
    private var isNoting = false
    /// nil = too much to be noted.
    private(set) var asked: [Asked]? = []
    private static let askedLimit = 8

    /// Notes from now on what is asked for, until it is told to end.
    func beginNoting() {
        isNoting = true
        asked = []
    }

    func endNoting() { isNoting = false }

    /// Whether the message at hand gives the same answer.
    func answersAgain(_ known: Asked) -> Bool {
        let value = known.name.withUnsafeBytes { answer(named: $0) }
        guard let expected = known.value else { return value.baseAddress == nil }
        return value.baseAddress != nil && expected.withUnsafeBytes { value.equals($0) }
    }

    /// Shows a message while `body` runs.
    ///
    /// - Parameter joinsRepeated: a field that is there several times is one list (RFC 9110 section 5.3), else its
    ///   first value counts.
    func showing<Result, Failure: Error>(
        _ fields: ContiguousArray<HTTPField>, _ bytes: UnsafeRawBufferPointer, joinsRepeated: Bool = false,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        self.fields = fields
        self.bytes = bytes
        self.joinsRepeated = joinsRepeated
        defer {
            self.fields = []
            self.bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            if !joined.isEmpty { releaseJoined() }
        }
        return try body()
    }

    func headerValue(named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let value = answer(named: name)
        if isNoting { note(name, value) }
        return value
    }

    private func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard let count = asked?.count else { return }
        guard count < HeaderView.askedLimit, name.count <= 128, value.count <= 1024 else {
            asked = nil
            return
        }
        asked?.append(Asked(name: Array(name), value: value.baseAddress == nil ? nil : Array(value)))
    }

    private func answer(named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        for index in fields.indices where fields[index].name.bytes(in: bytes).equalsIgnoringCase(name) {
            let value = fields[index].value.bytes(in: bytes)
            return joinsRepeated ? list(value, name, after: index) : value
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// A value and what later fields of the same name add to it.
    private func list(
        _ first: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer, after index: Int
    ) -> UnsafeRawBufferPointer {
        var whole: [UInt8] = []
        for field in fields[(index + 1)...] where field.name.bytes(in: bytes).equalsIgnoringCase(name) {
            let value = field.value.bytes(in: bytes)
            if value.isEmpty || value.elementsEqual(first) { continue }
            if whole.isEmpty { whole.append(contentsOf: first) }
            // An empty first value leaves nothing to part from the second.
            if !whole.isEmpty { whole.append(UInt8(ascii: ",")) }
            whole.append(contentsOf: value)
        }
        guard !whole.isEmpty else { return first }
        let kept = UnsafeMutableRawBufferPointer.allocate(byteCount: whole.count, alignment: 1)
        kept.copyBytes(from: whole)
        joined.append(kept)
        return UnsafeRawBufferPointer(kept)
    }

    private func releaseJoined() {
        for buffer in joined { buffer.deallocate() }
        joined.removeAll()
    }
}

extension RequestDraft {
    /// Whether the plugin sets or removes a header of this name.
    func hasHeader(_ name: UnsafeRawBufferPointer) -> Bool {
        for header in headers where bytes(of: header.name).equalsIgnoringCase(name) { return true }
        return false
    }

    /// The plugin's changes of the body.
    func patchOperations() throws(JSONError) -> [JSONPatchOperation] {
        var operations: [JSONPatchOperation] = []
        for patch in patches {
            let path = text(patch.pointer).dropFirst().split(separator: "/", omittingEmptySubsequences: false)
                .map(String.init)
            operations.append(try JSONPatchOperation(path: path, value: patch.value.map { Array(bytes(of: $0)) }))
        }
        return operations
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of the error.
    func withBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let result: Result<Value, Failure> = withUnsafeBytes { bytes in
            do throws(Failure) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
