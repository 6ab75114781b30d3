import PatchbayCore
import PatchbayHost
import PatchbayWire

/// Byte views of strings for the calls into plugins.
enum Views {
    static func of(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// The UTF-8 of three strings, valid while `body` runs.
    static func with<Result>(
        _ first: String, _ second: String, _ third: String,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        var (first, second, third) = (first, second, third)
        return try first.withUTF8 { first in
            try second.withUTF8 { second in
                try third.withUTF8 { third in
                    try body(
                        UnsafeRawBufferPointer(first), UnsafeRawBufferPointer(second), UnsafeRawBufferPointer(third))
                }
            }
        }
    }
}

/// The header fields of a message, as plugins ask for them. Valid as long as `bytes`.
final class HeaderView: HeaderSource {
    private let fields: ContiguousArray<HTTPField>
    private let bytes: UnsafeRawBufferPointer

    init(fields: ContiguousArray<HTTPField>, bytes: UnsafeRawBufferPointer) {
        self.fields = fields
        self.bytes = bytes
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
        for header in headers where withBytes(of: header.name, { $0.equalsIgnoringCase(name) }) { return true }
        return false
    }

    /// The plugin's changes of the body.
    func patchOperations() throws(JSONError) -> [JSONPatchOperation] {
        var operations: [JSONPatchOperation] = []
        for patch in patches {
            let path = text(patch.pointer).dropFirst().split(separator: "/", omittingEmptySubsequences: false)
                .map(String.init)
            operations.append(try JSONPatchOperation(path: path, value: patch.value.map { Array(storage[$0]) }))
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
