/// Walks an object once, copies what stays and writes what changes.
struct JSONPatchEditor {
    let operations: [JSONPatchOperation]
    let document: UnsafeRawBufferPointer
    let maxDepth: Int

    /// Which operations concern the members of the object being edited.
    private enum Scope {
        /// The outermost object: all operations, by `name`.
        case document
        /// The member that operation `first` names: nested operations on it from there on, by `child`.
        case member(first: Int)
    }

    /// What becomes of one member.
    private enum Edit {
        case keep
        case remove
        /// The operation with the new value, or -1 for the old one, then the nested operations from `nested` on.
        case set(whole: Int, nested: Int?)
    }

    func editDocument(into output: inout [UInt8]) throws(JSONError) {
        let position = try edit(.document, document, into: &output)
        var rest = try JSONCursor(document, from: position)
        try rest.expectEnd()
        append(document, position, document.count, to: &output)
    }

    /// Writes everything of `bytes` up to the end of the object they begin with. Returns the offset behind it.
    private func edit(
        _ scope: Scope, _ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]
    ) throws(JSONError) -> Int {
        var members = try JSONMemberCursor(try JSONCursor(bytes), maxDepth: maxDepth)
        var copied = 0
        var lastEnd = members.position
        var seen: UInt64 = 0
        var hasMembers = false
        while let member = try members.next() {
            switch decide(scope, &seen, matches: { members.matches(member, $0) }) {
            case .remove:
                append(bytes, copied, lastEnd, to: &output)
                copied = member.valueEnd
                lastEnd = member.valueEnd
                continue
            case .keep:
                if !hasMembers, member.comma >= 0 { copied = member.comma + 1 }
            case .set(let whole, let nested):
                // When all members before were removed, the comma behind them goes too.
                if !hasMembers, member.comma >= 0 { copied = member.comma + 1 }
                append(bytes, copied, member.valueStart, to: &output)
                let old = UnsafeRawBufferPointer(rebasing: bytes[member.valueStart..<member.valueEnd])
                try write(whole, nested, old: old, at: member.valueStart, into: &output)
                copied = member.valueEnd
            }
            hasMembers = true
            lastEnd = member.valueEnd
        }
        append(bytes, copied, lastEnd, to: &output)
        try add(scope, seen, hasMembers: hasMembers, into: &output)
        append(bytes, lastEnd, members.position, to: &output)
        return members.position
    }

    // MARK: - Deciding

    /// Resolves all operations on the member that `matches` recognises, and notes them in `seen`.
    @inline(__always)
    private func decide(
        _ scope: Scope, _ seen: inout UInt64, matches: (UnsafeRawBufferPointer) -> Bool
    ) -> Edit {
        var whole = -1
        var nested: Int?
        for index in operations.indices {
            guard let name = nameInScope(scope, index), name.withUnsafeBytes(matches) else { continue }
            seen |= 1 << UInt64(index)
            if case .document = scope, operations[index].child != nil {
                nested = nested ?? index
            } else {
                whole = index
                nested = nil
            }
        }
        guard whole >= 0 || nested != nil else { return .keep }
        if whole >= 0, operations[whole].value == nil, !hasValues(nested) { return .remove }
        return .set(whole: whole, nested: nested)
    }

    /// The member name that an operation means in this scope, or nil when it is about something else.
    private func nameInScope(_ scope: Scope, _ index: Int) -> [UInt8]? {
        guard case .member(let first) = scope else { return operations[index].name }
        guard index >= first, operations[index].name == operations[first].name else { return nil }
        return operations[index].child
    }

    /// Whether one of the nested operations from `first` on sets something.
    private func hasValues(_ first: Int?) -> Bool {
        guard let first else { return false }
        return operations[first...].contains {
            $0.name == operations[first].name && $0.child != nil && $0.value != nil
        }
    }

    // MARK: - Writing

    /// Writes the value of one member: the new or the old one, with the nested operations applied.
    private func write(
        _ whole: Int, _ nested: Int?, old: UnsafeRawBufferPointer, at offset: Int, into output: inout [UInt8]
    ) throws(JSONError) {
        guard whole >= 0 else { return try write(old, nested, at: offset, into: &output) }
        guard let value = operations[whole].value else {
            return try write(JSONPatchEditor.null, nested, at: offset, into: &output)
        }
        try value.withUnsafeBufferPointer { bytes throws(JSONError) in
            try write(UnsafeRawBufferPointer(bytes), nested, at: offset, into: &output)
        }
    }

    private func write(
        _ value: UnsafeRawBufferPointer, _ nested: Int?, at offset: Int, into output: inout [UInt8]
    ) throws(JSONError) {
        let first = value.first { $0 > 0x20 }
        if let nested, first == UInt8(ascii: "{") {
            _ = try edit(.member(first: nested), value, into: &output)
        } else if let nested, hasValues(nested) {
            guard first == UInt8(ascii: "n") else { throw JSONError(.notAnObject, at: offset) }
            _ = try edit(.member(first: nested), JSONPatchEditor.emptyObject, into: &output)
        } else {
            output.append(contentsOf: value)
        }
    }

    /// Writes the members that were not there.
    private func add(
        _ scope: Scope, _ seen: UInt64, hasMembers: Bool, into output: inout [UInt8]
    ) throws(JSONError) {
        var seen = seen
        var needsComma = hasMembers
        for index in operations.indices where seen >> UInt64(index) & 1 == 0 {
            guard let name = nameInScope(scope, index) else { continue }
            let edit = decide(scope, &seen) { $0.elementsEqual(name) }
            guard case .set(let whole, let nested) = edit, whole >= 0 || hasValues(nested) else { continue }
            if needsComma { output.append(UInt8(ascii: ",")) }
            needsComma = true
            appendKey(name, to: &output)
            try write(whole, nested, old: JSONPatchEditor.null, at: 0, into: &output)
        }
    }

    private func appendKey(_ name: [UInt8], to output: inout [UInt8]) {
        var writer = JSONWriter()
        name.withUnsafeBytes { writer.key(utf8: $0) }
        output.append(contentsOf: writer.bytes)
    }

    private func append(_ bytes: UnsafeRawBufferPointer, _ from: Int, _ to: Int, to output: inout [UInt8]) {
        guard to > from else { return }
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[from..<to]))
    }

    private static var null: UnsafeRawBufferPointer { bytes("null") }
    private static var emptyObject: UnsafeRawBufferPointer { bytes("{}") }

    private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
