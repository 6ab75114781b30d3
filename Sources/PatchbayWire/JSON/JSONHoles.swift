/// Finds the values of members that vary from one document of a stream to the next.
package struct JSONHoles: Sendable {
    private let strings: [StaticString]
    private let digits: [StaticString]
    private let unless: [StaticString]

    /// A value that was found. Offsets are without quotes.
    package struct Hole: Sendable, Hashable {
        package var isString: Bool
        package var range: Range<Int>
    }

    /// - Parameters:
    ///   - strings: names of members whose strings vary.
    ///   - digits: names of members whose numbers vary, if these are nothing but digits.
    ///   - unless: names of members that no document may have unless they are null.
    package init(strings: [StaticString], digits: [StaticString] = [], unless: [StaticString] = []) {
        self.strings = strings
        self.digits = digits
        self.unless = unless
    }

    /// The values, at any depth, in the order of the document; nil if `bytes` are not exactly one object, or have one
    /// of the members that no document may have.
    package func find(in bytes: UnsafeRawBufferPointer) -> [Hole]? {
        do throws(JSONError) {
            var cursor = try JSONCursor(bytes)
            guard try cursor.nextByte() == UInt8(ascii: "{") else { return nil }
            var sink = Sink(names: self, base: cursor.base)
            try cursor.walk(&sink, maxDepth: JSONNesting.maxDepth)
            try cursor.expectEnd()
            return sink.isRefused ? nil : sink.found
        } catch {
            return nil
        }
    }

    private struct Sink: JSONSink {
        enum Role { case none, string, digits, refused }

        let names: JSONHoles
        let base: UnsafePointer<UInt8>
        /// What the key read last says of its value.
        var role = Role.none
        var found: [Hole] = []
        var isRefused = false

        init(names: JSONHoles, base: UnsafePointer<UInt8>) {
            self.names = names
            self.base = base
        }

        mutating func key(from start: Int, to end: Int, hasEscapes: Bool) {
            if hasEscapes {
                // What an escaped key says is not worth knowing: nobody writes these names so.
                isRefused = true
            } else if says(names.strings, start, end) {
                role = .string
            } else if says(names.digits, start, end) {
                role = .digits
            } else {
                role = says(names.unless, start, end) ? .refused : .none
            }
        }

        private func says(_ names: [StaticString], _ start: Int, _ end: Int) -> Bool {
            let count = end &- start &- 2
            return names.contains {
                $0.utf8CodeUnitCount == count && JSONBytes.equal(base + start + 1, $0.utf8Start, count)
            }
        }

        mutating func scalar(_ kind: JSONKind, from start: Int, to end: Int, hasEscapes: Bool) {
            switch role {
            case .none: break
            case .string: if kind == .string { found.append(Hole(isString: true, range: start + 1..<end - 1)) }
            case .digits:
                let isPlain = kind == .number && FrameBytes.endOfDigits(base, start, end) == end
                if isPlain { found.append(Hole(isString: false, range: start..<end)) }
            case .refused: if kind != .null { isRefused = true }
            }
            role = .none
        }

        mutating func open(_ kind: JSONKind, at start: Int) {
            if role == .refused { isRefused = true }
            role = .none
        }

        mutating func close(before end: Int) {}
    }
}
