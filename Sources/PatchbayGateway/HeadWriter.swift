import NIOCore

/// Writes a head into memory whose size was worked out before, without a call per field into the buffer.
struct HeadWriter {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0

    /// Appends what `body` writes to `buffer`.
    ///
    /// - Parameter capacity: at least as many bytes as `body` writes.
    static func write<Failure: Error>(
        to buffer: inout ByteBuffer, capacity: Int, _ body: (inout HeadWriter) throws(Failure) -> Void
    ) throws(Failure) {
        var failure: Failure?
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: max(capacity, 1)) { memory in
            guard let base = memory.baseAddress else { return 0 }
            var writer = HeadWriter(base: base, capacity: memory.count)
            do throws(Failure) {
                try body(&writer)
                return writer.count
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
    }

    private init(base: UnsafeMutableRawPointer, capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        precondition(bytes.count <= capacity - count, "the size of a head is worked out before it is written")
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func write(_ byte: UInt8) {
        precondition(count < capacity, "the size of a head is worked out before it is written")
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Not ``write(_:)``, which literals are for: as strings they would cost a reference count and a copy each.
    mutating func write(text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    mutating func write(_ id: RequestID) {
        id.withBytes { write($0) }
    }

    mutating func write(decimal number: Int) {
        var rest = UInt64(max(0, number))
        var length = 1
        var bound: UInt64 = 10
        while rest >= bound, length < 19 {
            length &+= 1
            bound &*= 10
        }
        precondition(length <= capacity - count, "the size of a head is worked out before it is written")
        var left = length
        while left >= 2 {
            left &-= 2
            let pair = rest % 100
            rest /= 100
            let digits = 0x3030 &+ UInt16(truncatingIfNeeded: pair / 10 | (pair % 10) << 8)
            base.storeBytes(of: digits.littleEndian, toByteOffset: count &+ left, as: UInt16.self)
        }
        if left == 1 {
            base.storeBytes(of: UInt8(truncatingIfNeeded: 48 &+ rest), toByteOffset: count, as: UInt8.self)
        }
        count &+= length
    }

    @inline(__always)
    mutating func field(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        write(name)
        write(": ")
        write(value)
        write("\r\n")
    }
}
