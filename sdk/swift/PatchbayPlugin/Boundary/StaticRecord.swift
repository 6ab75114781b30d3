/// A C record in storage that is never freed or changed, as the ABI asks of tables.
struct StaticRecord<Record>: @unchecked Sendable {  // written before it is shared, never afterwards
    let pointer: UnsafePointer<Record>

    init(_ record: Record) {
        let storage = UnsafeMutablePointer<Record>.allocate(capacity: 1)
        storage.initialize(to: record)
        pointer = UnsafePointer(storage)
    }
}
