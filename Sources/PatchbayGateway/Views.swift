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

    /// Shows a message while `body` runs.
    func showing<Result, Failure: Error>(
        _ fields: ContiguousArray<HTTPField>, _ bytes: UnsafeRawBufferPointer, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        self.fields = fields
        self.bytes = bytes
        defer {
            self.fields = []
            self.bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return try body()
    }

    func headerValue(named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        for field in fields where field.name.bytes(in: bytes).equalsIgnoringCase(name) {
            return field.value.bytes(in: bytes)
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
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
