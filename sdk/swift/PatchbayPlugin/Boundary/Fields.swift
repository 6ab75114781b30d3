import CPatchbay

/// Calls `body` with an array of C fields that is valid during the call.
func withFields<Result>(_ fields: [(String, String)], _ body: (UnsafeBufferPointer<pb_field>) -> Result) -> Result {
    guard !fields.isEmpty else { return body(UnsafeBufferPointer(start: nil, count: 0)) }
    let size = fields.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(size, 1)) { text in
        withUnsafeTemporaryAllocation(of: pb_field.self, capacity: fields.count) { records in
            var used = 0
            func place(_ value: String) -> pb_str {
                let end = text[used...].update(fromContentsOf: value.utf8)
                defer { used = end }
                return pb_str(UnsafeBufferPointer(rebasing: text[used..<end]))
            }
            for (index, field) in fields.enumerated() {
                records.initializeElement(at: index, to: pb_field(name: place(field.0), value: place(field.1)))
            }
            return body(UnsafeBufferPointer(records))
        }
    }
}
