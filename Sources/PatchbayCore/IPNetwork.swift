#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Why a text is not a network in CIDR notation.
package struct IPNetworkError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case invalidAddress = "invalid_address"
        case invalidPrefix = "invalid_prefix"
        case hostBitsSet = "host_bits_set"
    }

    package var code: Code
    package var text: String

    package init(code: Code, text: String) {
        self.code = code
        self.text = text
    }

    package var description: String { sentence }

    /// One sentence for people that names the text and the rule.
    package var sentence: String {
        switch code {
        case .invalidAddress: "`\(text)` is not an IPv4 or IPv6 network such as 10.0.0.0/8 or fd00::/8."
        case .invalidPrefix: "The prefix length of `\(text)` is not a number up to the address's number of bits."
        case .hostBitsSet: "`\(text)` has address bits set behind its prefix length."
        }
    }
}

/// A block of IPv4 or IPv6 addresses.
package struct IPNetwork: Sendable, Hashable {
    /// IPv4 addresses are kept in the low 32 bits.
    private let address: UInt128
    private let prefix: Int
    private let isIPv4: Bool

    /// Parses `address/prefix` or a bare address. Octal, hexadecimal and shortened IPv4 forms and zones are refused; an
    /// IPv4-mapped IPv6 network is the IPv4 network it maps.
    package init(_ text: String) throws(IPNetworkError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let (value, bits) = Self.address(String(parts[0])) else {
            throw IPNetworkError(code: .invalidAddress, text: text)
        }
        var length = bits
        if parts.count == 2 {
            let digits = parts[1].utf8
            guard 1...3 ~= digits.count, digits.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(parts[1]),
                number <= bits
            else { throw IPNetworkError(code: .invalidPrefix, text: text) }
            length = number
        }
        guard length == bits || value & ((1 << UInt128(bits - length)) &- 1) == 0 else {
            throw IPNetworkError(code: .hostBitsSet, text: text)
        }
        let isMapped = bits == 128 && value >> 32 == 0xFFFF && length >= 96
        isIPv4 = bits == 32 || isMapped
        address = isMapped ? value & 0xFFFF_FFFF : value
        prefix = isMapped ? length - 96 : length
    }

    /// - Parameter address: in host byte order.
    package func contains(ipv4 address: UInt32) -> Bool {
        isIPv4 && (UInt128(address) ^ self.address) >> UInt128(32 - prefix) == 0
    }

    /// - Parameter address: in host byte order.
    package func contains(ipv6 address: UInt128) -> Bool {
        !isIPv4 && (address ^ self.address) >> UInt128(128 - prefix) == 0
    }

    /// An address in host byte order and its number of bits.
    private static func address(_ text: String) -> (UInt128, bits: Int)? {
        // inet_pton stops at a NUL and is strict otherwise.
        guard !text.utf8.contains(0) else { return nil }
        var ipv4 = in_addr()
        if inet_pton(AF_INET, text, &ipv4) == 1 { return (UInt128(UInt32(bigEndian: ipv4.s_addr)), 32) }
        var ipv6 = in6_addr()
        guard inet_pton(AF_INET6, text, &ipv6) == 1 else { return nil }
        return (withUnsafeBytes(of: ipv6) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }, 128)
    }
}
