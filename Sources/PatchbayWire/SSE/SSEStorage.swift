/// Bytes at an address that stays the same until the next change, so that frames can point into them.
///
/// Shared by copies of a splitter only for reading: whoever changes it makes sure to be the only owner.
final class SSEStorage {
    private var room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init() {
        room = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    init(copying other: SSEStorage) {
        room = .allocate(byteCount: max(other.count, 1), alignment: 16)
        append(other.bytes)
    }

    deinit {
        room.deallocate()
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<count])
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        reserve(count + bytes.count)
        UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    func append(_ byte: UInt8) {
        reserve(count + 1)
        room[count] = byte
        count += 1
    }

    /// Forgets the bytes; gives the memory back when one large frame made it large.
    func removeAll() {
        count = 0
        guard room.count > 1 << 18 else { return }
        room.deallocate()
        room = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    private func reserve(_ needed: Int) {
        guard needed > room.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, room.count * 2, 512), alignment: 16)
        larger.copyMemory(from: bytes)
        room.deallocate()
        room = larger
    }
}
