package import NIOCore
import NIOPosix

/// The addresses this process takes requests at, so that no upstream is one of them: a gateway that calls itself would
/// do so for ever.
package struct OwnListeners: Sendable {
    private var listeners: [SocketAddress]

    /// - Parameter listeners: what the sockets are bound to, ports included.
    package init(_ listeners: [SocketAddress] = []) {
        self.listeners = listeners
    }

    /// Whether a connection to this address would arrive at one of the listeners.
    package func contains(_ address: SocketAddress) -> Bool {
        listeners.contains { listener in
            guard listener.port == address.port, let port = listener.port, port != 0 else { return false }
            return Self.reaches(listener, NetworkAddress(address))
        }
    }

    private static func reaches(_ listener: SocketAddress, _ target: NetworkAddress?) -> Bool {
        guard let bound = NetworkAddress(listener), let target else { return false }
        // Connecting to the unspecified address reaches this machine.
        let wanted = target.isUnspecified ? target.loopback : target
        guard bound.isUnspecified else { return wanted == bound }
        if wanted.isLoopback { return true }
        let devices = (try? System.enumerateDevices()) ?? []
        return devices.contains { $0.address.flatMap(NetworkAddress.init) == wanted }
    }
}

/// The bytes of an IP address; an IPv4 address in IPv6 clothes is the IPv4 address.
package struct NetworkAddress: Sendable, Hashable {
    /// The address as a number of 128 bits; IPv4 addresses are mapped (RFC 4291 section 2.5.5.2).
    private var high: UInt64
    private var low: UInt64

    /// Nil for an address that is not one of the internet.
    package init?(_ address: SocketAddress) {
        let read: (high: UInt64, low: UInt64)? = address.withSockAddr { pointer, size in
            // The address stands behind family and port, with IPv6 behind the flow label too (RFC 3493 section 3.3).
            let raw = UnsafeRawPointer(pointer)
            switch address {
            case .v4 where size >= 8:
                let number = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                return (0, 0xFFFF_0000_0000 | UInt64(number))
            case .v6 where size >= 24:
                return (
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
                )
            default: return nil
            }
        }
        guard let read else { return nil }
        (high, low) = read
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    private var isMapped: Bool { high == 0 && low >> 32 == 0xFFFF }
    var isUnspecified: Bool { high == 0 && (low == 0 || low == 0xFFFF_0000_0000) }
    var isLoopback: Bool { isMapped ? low >> 24 == 0xFFFF_7F : high == 0 && low == 1 }

    /// The loopback address of the same family.
    var loopback: NetworkAddress {
        NetworkAddress(high: 0, low: isMapped ? 0xFFFF_7F00_0001 : 1)
    }

    /// What one client is likely to have: an IPv4 address, or an IPv6 network of 64 bits.
    package var client: NetworkAddress { isMapped ? self : NetworkAddress(high: high, low: 0) }
}
