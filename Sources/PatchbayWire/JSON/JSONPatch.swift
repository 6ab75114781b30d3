/// Changes single members of a document and leaves every other byte as it is.
///
/// When a name occurs more than once, each occurrence is changed: a reader that takes the first and a reader that takes
/// the last must not see different values. Later operations win over earlier ones on the same path. A new member is
/// added behind the last one.
package enum JSONPatch {
    /// More operations than this in one call are refused.
    package static let maxOperations = 64

    /// Appends the changed document to `output`.
    ///
    /// The whole document is checked on the way. Values are checked too: a patch cannot make a document malformed.
    /// - Throws: ``JSONError/Code/invalidPatch`` for a bad operation, ``JSONError/Code/notAnObject`` when the document,
    ///   or the parent of a nested member, is no object; `output` is then as it was.
    package static func apply(
        _ operations: [JSONPatchOperation], to document: UnsafeRawBufferPointer, into output: inout [UInt8],
        maxDepth: Int = 128
    ) throws(JSONError) {
        let before = output.count
        do throws(JSONError) {
            try check(operations, maxDepth: maxDepth)
            let added = operations.reduce(0) { $0 + $1.bytesIfAdded }
            output.reserveCapacity(before + document.count + added)
            let editor = JSONPatchEditor(operations: operations, document: document, maxDepth: maxDepth)
            try editor.editDocument(into: &output)
        } catch {
            output.removeSubrange(before...)
            throw error
        }
    }

    /// Appends the document with one part replaced; for a field whose place a scan has found already.
    package static func replace(
        _ span: JSONSpan, with value: UnsafeRawBufferPointer, in document: UnsafeRawBufferPointer,
        into output: inout [UInt8]
    ) {
        output.reserveCapacity(output.count + document.count - span.count + value.count)
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: document[..<span.range.lowerBound]))
        output.append(contentsOf: value)
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: document[span.range.upperBound...]))
    }

    private static func check(_ operations: [JSONPatchOperation], maxDepth: Int) throws(JSONError) {
        guard operations.count <= maxOperations else { throw JSONError(.invalidPatch, at: 0) }
        for operation in operations {
            guard let value = operation.value else { continue }
            // The value will stand inside of the outermost object, and of its parent if it has one.
            let depth = min(maxDepth, JSONNesting.maxDepth) - (operation.child == nil ? 1 : 2)
            let valid = value.withUnsafeBytes { JSONCursor.isValue($0, maxDepth: depth) }
            guard valid else { throw JSONError(.invalidPatch, at: 0) }
        }
    }
}
