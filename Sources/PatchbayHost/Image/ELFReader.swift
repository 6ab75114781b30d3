/// Bounds-checked reads of a little-endian ELF image. Every offset comes from the file and is distrusted.
struct ELFReader {
    let bytes: UnsafeRawBufferPointer

    private static let outside = PluginRefusal(
        .malformedImage, "The ELF image is damaged or cut off: a table points outside of the file.")

    var count: UInt64 { UInt64(bytes.count) }

    func byte(at offset: UInt64) throws(PluginRefusal) -> UInt8 {
        try load(UInt8.self, at: offset)
    }

    func half(at offset: UInt64) throws(PluginRefusal) -> UInt16 {
        try load(UInt16.self, at: offset)
    }

    func word(at offset: UInt64) throws(PluginRefusal) -> UInt32 {
        try load(UInt32.self, at: offset)
    }

    func long(at offset: UInt64) throws(PluginRefusal) -> UInt64 {
        try load(UInt64.self, at: offset)
    }

    /// The bytes of a range given by the file.
    func slice(offset: UInt64, size: UInt64) throws(PluginRefusal) -> UnsafeRawBufferPointer {
        guard offset <= count, size <= count - offset else { throw Self.outside }
        return UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset + size)])
    }

    /// A terminated text of at most `limit` bytes inside `table`; nil if it starts outside or does not end.
    static func text(in table: UnsafeRawBufferPointer, at offset: UInt64, limit: Int = 4096) -> String? {
        guard offset < UInt64(table.count) else { return nil }
        let start = Int(offset)
        let rest = table[start..<min(table.count, start + limit)]
        guard let end = rest.firstIndex(of: 0) else { return nil }
        return String(decoding: table[start..<end], as: UTF8.self)
    }

    /// Whether the text at `offset` begins with `prefix`, without making a string.
    static func hasPrefix(_ prefix: StaticString, in table: UnsafeRawBufferPointer, at offset: UInt64) -> Bool {
        let length = prefix.utf8CodeUnitCount
        guard offset < UInt64(table.count), table.count - Int(offset) >= length else { return false }
        for index in 0..<length where table[Int(offset) + index] != prefix.utf8Start[index] { return false }
        return true
    }

    private func load<Value: FixedWidthInteger>(_ type: Value.Type, at offset: UInt64) throws(PluginRefusal) -> Value {
        guard offset <= count, UInt64(MemoryLayout<Value>.size) <= count - offset else { throw Self.outside }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(offset), as: Value.self))
    }
}

/// Numbers of the ELF specification and of its processor supplements.
enum ELF {
    static let sharedObject: UInt16 = 3
    static let loadSegment: UInt32 = 1
    static let dynamicSection: UInt32 = 6
    static let noBitsSection: UInt32 = 8
    static let dynamicSymbols: UInt32 = 11
    static let neededTag: UInt64 = 1
    static let textRelocationTag: UInt64 = 22
    static let flagsTag: UInt64 = 30
    static let textRelocationFlag: UInt64 = 4

    #if arch(x86_64)
        static let hostMachine: UInt16 = 62
    #elseif arch(arm64)
        static let hostMachine: UInt16 = 183
    #else
        #error("Plugins are 64-bit little-endian images; this architecture is not supported.")
    #endif

    /// Name of a machine number for messages.
    static func machineName(_ machine: UInt16) -> String {
        switch machine {
        case 3: "x86 (32-bit)"
        case 8: "MIPS"
        case 20, 21: "PowerPC"
        case 22: "s390x"
        case 40: "ARM (32-bit)"
        case 62: "x86_64"
        case 183: "aarch64"
        case 243: "RISC-V"
        case 258: "LoongArch"
        default: "machine \(machine)"
        }
    }
}
