import PatchbayUpstream
import Synchronization

/// Open connections by client address, over all loops. Asked when a connection comes and goes, never for a request.
final class AddressTable: Sendable {
    private let parts: [Part]

    /// A share of the addresses under a lock of its own, so that loops seldom meet.
    private final class Part: Sendable {
        let cells = Mutex<[NetworkAddress: AddressCell]>([:])
    }

    init() {
        parts = (0..<16).map { _ in Part() }
    }

    private func part(of address: NetworkAddress) -> Part { parts[address.hashValue & 15] }

    /// Counts a connection.
    ///
    /// - Returns: The cell of the address, and as which of its connections this one was counted.
    func enter(_ address: NetworkAddress) -> (cell: AddressCell, ordinal: Int) {
        part(of: address).cells.withLock { cells in
            let cell = cells[address] ?? AddressCell(address: address)
            cells[address] = cell
            return (cell, cell.count.wrappingAdd(1, ordering: .relaxed).newValue)
        }
    }

    func leave(_ cell: AddressCell) {
        part(of: cell.address).cells.withLock { cells in
            if cell.count.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { cells[cell.address] = nil }
        }
    }
}

/// The open connections of one client address: an IPv4 address, or an IPv6 network of 64 bits.
final class AddressCell: Sendable {
    let address: NetworkAddress
    let count = Atomic<Int>(0)

    init(address: NetworkAddress) {
        self.address = address
    }
}
