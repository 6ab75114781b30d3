#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Finds the mappings of a process that hold nothing but unchanged pages of files and cannot be written to.
///
/// Relocated pages are not among them: they are private copies, which the kernel counts as anonymous.
///
/// Reads the text of `/proc/PID/smaps` as it comes, in any pieces: for each mapping a line with addresses, rights and
/// name, then lines with sizes. No more than one line is kept.
package struct CleanMappings {
    /// Longer lines belong to files with names that no plugin and no library has; their mappings are left alone.
    private static let longestLine = 4_352

    private var line: [UInt8] = []
    private var candidate: Range<UInt>?

    package init() {
        line.reserveCapacity(256)
    }

    /// - Parameter found: called with the addresses of each such mapping.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, found: (Range<UInt>) -> Void) {
        for byte in bytes {
            if byte == 0x0a {
                line.withUnsafeBufferPointer { line in
                    Self.read(line, &candidate, found)
                }
                line.removeAll(keepingCapacity: true)
            } else if line.count < Self.longestLine {
                line.append(byte)
            }
        }
    }

    /// Reads the mappings of this process.
    package static func ofThisProcess(_ found: (Range<UInt>) -> Void) {
        let descriptor = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var mappings = CleanMappings()
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { room in
            while true {
                let count = fill(room, descriptor)
                guard count > 0 else { break }
                mappings.take(UnsafeRawBufferPointer(rebasing: room[..<count]), found: found)
            }
        }
    }

    private static func read(
        _ line: UnsafeBufferPointer<UInt8>, _ candidate: inout Range<UInt>?, _ found: (Range<UInt>) -> Void
    ) {
        guard let first = line.first else { return }
        // Names of sizes begin with a capital, addresses with a digit in lower case.
        guard (0x41...0x5a).contains(first) else { return candidate = mapping(line) }
        guard let range = candidate, line.starts(with: "Anonymous:".utf8) else { return }
        candidate = nil
        if line.dropFirst(10).first(where: { $0 != 0x20 }) == UInt8(ascii: "0") { found(range) }
    }

    /// `7f10-7f20 r-xp 00000000 08:01 1234   /usr/lib/library.so`, if it is of a file, readable, private and not
    /// writable.
    private static func mapping(_ line: UnsafeBufferPointer<UInt8>) -> Range<UInt>? {
        guard line.count < longestLine else { return nil }
        var fields = line.split(separator: 0x20, maxSplits: 5, omittingEmptySubsequences: true).makeIterator()
        guard let addresses = fields.next(), let rights = fields.next(), fields.next() != nil, fields.next() != nil,
            fields.next() != nil, let name = fields.next(),
            name.first(where: { $0 != 0x20 }) == UInt8(ascii: "/"),
            rights.first == UInt8(ascii: "r"), rights.last == UInt8(ascii: "p"), !rights.contains(UInt8(ascii: "w"))
        else { return nil }
        guard let dash = addresses.firstIndex(of: UInt8(ascii: "-")), let start = number(addresses[..<dash]),
            let end = number(addresses[(dash + 1)...]), start > 0, start < end
        else { return nil }
        return start..<end
    }

    /// Sixteen digits of a hexadecimal number at most.
    private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt? {
        guard (1...16).contains(digits.count) else { return nil }
        var value: UInt = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}

/// The name `read` is taken inside the type above.
private func fill(_ room: UnsafeMutableRawBufferPointer, _ descriptor: Int32) -> Int {
    read(descriptor, room.baseAddress, room.count)
}
