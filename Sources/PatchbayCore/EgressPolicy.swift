#if canImport(Glibc)
    package import Glibc
#else
    package import Musl
#endif

/// Which addresses Patchbay may connect to: everything that is globally reachable, and what the operator listed.
///
/// The policy judges resolved addresses at the moment of dialling, never names, so a name that resolves differently the
/// second time, a redirect or an octal host name cannot get around it. An IPv6 address that carries an IPv4 address
/// (mapped, translated, tunnelled) is judged by that address too.
package struct EgressPolicy: Sendable, Hashable {
    /// The networks that are permitted although they are special.
    package let allowed: [IPNetwork]

    /// - Parameter allow: networks in CIDR notation; a bare address is a network of one.
    package init(allow: [String] = []) throws(IPNetworkError) {
        var networks: [IPNetwork] = []
        for text in allow { networks.append(try IPNetwork(text)) }
        allowed = networks
    }

    /// Permits what is globally reachable and nothing else.
    package static let publicOnly = EgressPolicy()

    private init() {
        allowed = []
    }

    /// - Parameter ipv4: the address in host byte order: 127.0.0.1 is 0x7F00_0001.
    package func permits(ipv4: UInt32) -> Bool { refusal(ipv4: ipv4) == nil }

    /// - Parameter ipv6: the address in host byte order: ::1 is 1.
    package func permits(ipv6: UInt128) -> Bool { refusal(ipv6: ipv6) == nil }

    /// - Parameter bytes: the 16 bytes of the address in network byte order; any other number is refused.
    package func permits(ipv6 bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == 16 else { return false }
        return permits(ipv6: UInt128(bigEndian: bytes.loadUnaligned(as: UInt128.self)))
    }

    /// Whether a socket address may be connected to. Families other than IPv4 and IPv6 are refused.
    package func permits(_ address: UnsafePointer<sockaddr>) -> Bool { refusal(address) == nil }

    /// The rule that forbids a socket address; nil = permitted. `address` must be as long as its family says.
    package func refusal(_ address: UnsafePointer<sockaddr>) -> EgressRule? {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            return refusal(ipv4: UInt32(bigEndian: raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr))
        case AF_INET6:
            let bytes = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return refusal(ipv6: withUnsafeBytes(of: bytes) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) })
        default:
            return .family
        }
    }

    /// The rule that forbids an IPv4 address; nil = permitted.
    package func refusal(ipv4: UInt32) -> EgressRule? {
        guard let rule = EgressRule.special(ipv4: ipv4) else { return nil }
        return allowed.contains { $0.contains(ipv4: ipv4) } ? nil : rule
    }

    /// The rule that forbids an IPv6 address; nil = permitted.
    package func refusal(ipv6: UInt128) -> EgressRule? {
        if allowed.contains(where: { $0.contains(ipv6: ipv6) }) { return nil }
        guard let (form, embedded) = EmbeddedIPv4.find(in: ipv6) else { return EgressRule.special(ipv6: ipv6) }
        for address in embedded where refusal(ipv4: address) != nil { return form }
        return nil
    }
}
