/// A field found by ``JSONFieldScanner``.
@usableFromInline
package struct JSONField: Sendable, Hashable {
    /// The whole value, quotes and brackets included.
    @usableFromInline package var span: JSONSpan
    @usableFromInline package var kind: JSONKind
    /// Whether a string has to be unescaped before it is compared or shown.
    @usableFromInline package var hasEscapes: Bool

    @inlinable package init(span: JSONSpan, kind: JSONKind, hasEscapes: Bool) {
        self.span = span
        self.kind = kind
        self.hasEscapes = hasEscapes
    }

    /// The value's bytes in the scanned document.
    @inlinable package func bytes(in document: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        span.bytes(in: document)
    }

    /// A string without its quotes, still escaped; nil for other kinds.
    @inlinable package func rawString(in document: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard case .string = kind else { return nil }
        return UnsafeRawBufferPointer(rebasing: document[span.range.lowerBound + 1..<span.range.upperBound - 1])
    }

    /// A string, unescaped; nil for other kinds.
    package func string(in document: UnsafeRawBufferPointer) -> String? {
        rawString(in: document).map { JSONEscape.string(from: $0, hasEscapes: hasEscapes) }
    }

    package func int(in document: UnsafeRawBufferPointer) -> Int? {
        kind == .number ? JSONNumber.integer(bytes(in: document)) : nil
    }

    /// The value of a boolean; nil for other kinds.
    @inlinable package var boolValue: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }
}

/// Finds named members of the outermost object in one pass, without a tree and without allocation.
///
/// The pass reads the whole document and refuses what RFC 8259 refuses, so a body that was scanned is known to be one
/// well-formed object. Bytes of strings are not checked for UTF-8. Of duplicate names the last wins. Keep one scanner
/// and scan again and again.
package struct JSONFieldScanner {
    package let names: [StaticString]
    private let maxDepth: Int
    private var fields: ContiguousArray<JSONField?>
    /// Bit n: some name has n bytes (63 = that or more). Most keys are no candidates by their length alone.
    private let lengths: UInt64
    /// Looks for the same names, faster, in documents that are not odd.
    private let probe: JSONProbe?
    private var probed: ContiguousArray<JSONField>
    /// Bit n: `probed` has the field n; nil = `fields` has the fields.
    private var present: UInt32?

    /// - Parameters:
    ///   - names: member names in UTF-8, unescaped.
    ///   - maxDepth: open containers allowed at once; at most 128.
    ///   - probe: one for values with the same names, for a scanner that is used often.
    package init(_ names: [StaticString], maxDepth: Int = 128, probe: JSONProbe? = nil) {
        precondition(probe.map { $0.count == names.count } ?? true, "a probe looks for the names of its scanner")
        self.names = names
        self.probe = maxDepth >= JSONProbeWalk.maxDepth ? probe : nil
        let none = JSONField(span: JSONSpan(start: 0, end: 0), kind: .null, hasEscapes: false)
        probed = ContiguousArray(repeating: none, count: probe?.count ?? 0)
        self.maxDepth = maxDepth
        fields = ContiguousArray(repeating: nil, count: names.count)
        lengths = names.reduce(0) { $0 | 1 << UInt64(min($1.utf8CodeUnitCount, 63)) }
    }

    /// The field for the name at this place of ``names``, from the last scan; nil = absent.
    package subscript(index: Int) -> JSONField? {
        guard let present else { return fields[index] }
        return present >> UInt32(index) & 1 == 0 ? nil : probed[index]
    }

    /// Reads a document. After an error no field is set.
    package mutating func scan(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        if let probe {
            present = probed.withUnsafeMutableBufferPointer { room in
                room.baseAddress.flatMap { probe.find(in: bytes, $0) }
            }
            if present != nil { return }
        }
        for index in fields.indices { fields[index] = nil }
        do throws(JSONError) {
            var members = try JSONMemberCursor(try JSONCursor(bytes), maxDepth: maxDepth)
            while let member = try members.next() {
                let length = member.keyEnd - member.keyStart - 2
                if member.keyHasEscapes || lengths >> UInt64(min(length, 63)) & 1 == 1 {
                    note(member, members)
                }
            }
            try members.expectEnd()
        } catch {
            for index in fields.indices { fields[index] = nil }
            throw error
        }
    }

    /// One scan with its own storage.
    package static func scanTopLevel(
        _ bytes: UnsafeRawBufferPointer, names: [StaticString]
    ) throws(JSONError) -> [JSONField?] {
        var scanner = JSONFieldScanner(names)
        try scanner.scan(bytes)
        return Array(scanner.fields)
    }

    private mutating func note(_ member: JSONMemberCursor.Member, _ members: borrowing JSONMemberCursor) {
        for index in names.indices {
            let name = names[index]
            guard
                members.matches(
                    member, UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            else { continue }
            fields[index] = JSONField(
                span: JSONSpan(start: member.valueStart, end: member.valueEnd), kind: member.kind,
                hasEscapes: member.valueHasEscapes)
        }
    }
}
