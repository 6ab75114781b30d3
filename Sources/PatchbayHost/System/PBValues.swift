internal import CPatchbay

extension pb_str {
    /// The absent view.
    static var absent: pb_str { pb_str(ptr: nil, len: 0) }

    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(ptr: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), len: UInt64(bytes.count))
    }

    /// The viewed bytes; the base is nil if the view is absent.
    var bytes: UnsafeRawBufferPointer {
        guard let ptr else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: ptr, count: Int(clamping: len))
    }

    var isAbsent: Bool { ptr == nil }

    /// A copy as text; invalid UTF-8 is repaired.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// The status codes as values of their own type; C's anonymous enumeration arrives as `Int`.
enum Status {
    static let ok = pb_status(PB_OK)
    static let pending = pb_status(PB_PENDING)
    static let invalid = pb_status(PB_E_INVALID)
    static let unsupported = pb_status(PB_E_UNSUPPORTED)
    static let denied = pb_status(PB_E_DENIED)
    static let notFound = pb_status(PB_E_NOT_FOUND)
    static let conflict = pb_status(PB_E_CONFLICT)
    static let tooLarge = pb_status(PB_E_TOO_LARGE)
    static let timeout = pb_status(PB_E_TIMEOUT)
    static let cancelled = pb_status(PB_E_CANCELLED)
    static let unavailable = pb_status(PB_E_UNAVAILABLE)
    static let network = pb_status(PB_E_NETWORK)
    static let protocolError = pb_status(PB_E_PROTOCOL)
    static let stopped = pb_status(PB_E_STOPPED)
    static let internalError = pb_status(PB_E_INTERNAL)
}

/// Copies a record that another image made, reading no more of it than its `size` says. What is missing is zero.
///
/// - Precondition: `pointer` points to a record that begins with a 32-bit size, and the C type `Record` is trivial.
func copyRecord<Record: BitwiseCopyable>(_ type: Record.Type, from pointer: UnsafeRawPointer) -> Record {
    withUnsafeTemporaryAllocation(byteCount: MemoryLayout<Record>.size, alignment: MemoryLayout<Record>.alignment) {
        room in
        let size = min(Int(pointer.load(as: UInt32.self)), room.count)
        room.initializeMemory(as: UInt8.self, repeating: 0)
        room.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: size))
        return room.load(as: Record.self)
    }
}

/// A pointer to a table that is made once, never changed and never freed.
struct StaticTable<Record>: @unchecked Sendable {
    // No lock: the memory is written before the value exists and only read afterwards.
    let pointer: UnsafePointer<Record>

    init(_ record: Record) {
        let memory = UnsafeMutablePointer<Record>.allocate(capacity: 1)
        memory.initialize(to: record)
        pointer = UnsafePointer(memory)
    }
}

/// A plugin's function with its argument, to be run once on a host thread.
struct PluginCallback: @unchecked Sendable {
    // The plugin promises that both may be used from any thread.
    let function: @convention(c) (UnsafeMutableRawPointer?) -> Void
    let user: UnsafeMutableRawPointer?

    func callAsFunction() {
        function(user)
    }
}
