/// Why an address is refused. The raw value is bounded: a metric label and part of the sentence for people.
package enum EgressRule: String, Sendable, Hashable, CaseIterable {
    case unspecified
    case thisNetwork = "this network"
    case loopback
    case privateNetwork = "private network"
    case sharedAddressSpace = "shared address space"
    case linkLocal = "link-local"
    case siteLocal = "site-local"
    case uniqueLocal = "unique local"
    case protocolAssignment = "protocol assignment"
    case documentation
    case benchmarking
    case relayAnycast = "6to4 relay anycast"
    case cloudHost = "cloud host service"
    case multicast
    case reserved
    case broadcast
    case discardOnly = "discard-only"
    case mapped = "IPv4-mapped address of a refused network"
    case translated = "IPv4-translated address of a refused network"
    case sixToFour = "6to4 address of a refused network"
    case nat64 = "NAT64 address of a refused network"
    case localNAT64 = "local-use NAT64"
    case teredo = "Teredo address of a refused network"
    case family = "not an internet address"

    /// The special-purpose class of an IPv4 address (IANA registry, RFC 6890); nil = globally reachable.
    static func special(ipv4 address: UInt32) -> EgressRule? {
        if address == 0xFFFF_FFFF { return .broadcast }
        for (prefix, length, rule) in ipv4Rules where (address ^ prefix) >> (32 - length) == 0 { return rule }
        return nil
    }

    private static let ipv4Rules: [(prefix: UInt32, length: UInt32, rule: EgressRule)] = [
        (0x0000_0000, 8, .thisNetwork),
        (0x0A00_0000, 8, .privateNetwork),
        (0x6440_0000, 10, .sharedAddressSpace),
        (0x7F00_0000, 8, .loopback),
        (0xA83F_8110, 32, .cloudHost),  // 168.63.129.16, where Azure answers its guests
        (0xA9FE_0000, 16, .linkLocal),
        (0xAC10_0000, 12, .privateNetwork),
        (0xC000_0000, 24, .protocolAssignment),
        (0xC000_0200, 24, .documentation),
        (0xC058_6300, 24, .relayAnycast),
        (0xC0A8_0000, 16, .privateNetwork),
        (0xC612_0000, 15, .benchmarking),
        (0xC633_6400, 24, .documentation),
        (0xCB00_7100, 24, .documentation),
        (0xE000_0000, 4, .multicast),
        (0xF000_0000, 4, .reserved),
    ]

    /// The special-purpose class of an IPv6 address that carries no IPv4 address; nil = globally reachable.
    ///
    /// Only 2000::/3 is global unicast space (RFC 4291 section 2.4); inside it the registry's exceptions are named.
    static func special(ipv6 address: UInt128) -> EgressRule? {
        if address == 0 { return .unspecified }
        if address == 1 { return .loopback }
        let upper = UInt64(truncatingIfNeeded: address >> 64)
        for (prefix, length, rule) in ipv6Rules where (upper ^ prefix) >> (64 - length) == 0 { return rule }
        return address >> 125 == 1 ? nil : .reserved
    }

    /// Prefixes of at most 64 bits, compared with the upper half of the address.
    private static let ipv6Rules: [(prefix: UInt64, length: UInt64, rule: EgressRule)] = [
        (0x0064_FF9B_0001_0000, 48, .localNAT64),
        (0x0100_0000_0000_0000, 64, .discardOnly),
        (0x2001_0000_0000_0000, 23, .protocolAssignment),
        (0x2001_0DB8_0000_0000, 32, .documentation),
        (0x3FFF_0000_0000_0000, 20, .documentation),
        (0xFC00_0000_0000_0000, 7, .uniqueLocal),
        (0xFE80_0000_0000_0000, 10, .linkLocal),
        (0xFEC0_0000_0000_0000, 10, .siteLocal),
        (0xFF00_0000_0000_0000, 8, .multicast),
    ]
}

/// IPv4 addresses inside IPv6 addresses.
enum EmbeddedIPv4 {
    /// The form of the embedding, as the rule that names it, and the IPv4 addresses that would be reached.
    static func find(in address: UInt128) -> (form: EgressRule, addresses: [UInt32])? {
        let low = UInt32(truncatingIfNeeded: address)
        switch address >> 32 {
        case 0 where low > 1: return (.mapped, [low])  // ::a.b.c.d, IPv4-compatible, RFC 4291 section 2.5.5.1
        case 0xFFFF: return (.mapped, [low])  // ::ffff:a.b.c.d, section 2.5.5.2
        case 0xFFFF_0000: return (.translated, [low])  // ::ffff:0:a.b.c.d, RFC 2765
        case 0x0064_FF9B << 64: return (.nat64, [low])  // 64:ff9b::/96, RFC 6052
        default: break
        }
        if address >> 112 == 0x2002 { return (.sixToFour, [UInt32(truncatingIfNeeded: address >> 80)]) }  // RFC 3056
        if address >> 96 == 0x2001_0000 {  // RFC 4380: the server, and the client with every bit inverted
            return (.teredo, [UInt32(truncatingIfNeeded: address >> 64), ~low])
        }
        return nil
    }
}
