import Glibc
import PatchbayCore
import Testing

struct EgressPolicyTests {
    private func refusal(_ address: String, _ policy: EgressPolicy = .publicOnly) throws -> EgressRule? {
        var ipv4 = in_addr()
        if inet_pton(AF_INET, address, &ipv4) == 1 { return policy.refusal(ipv4: UInt32(bigEndian: ipv4.s_addr)) }
        var ipv6 = in6_addr()
        try #require(inet_pton(AF_INET6, address, &ipv6) == 1)
        return withUnsafeBytes(of: ipv6) { bytes in
            policy.refusal(ipv6: bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) })
        }
    }

    @Test(arguments: [
        ("0.0.0.0", EgressRule.thisNetwork), ("0.255.255.255", .thisNetwork),
        ("10.0.0.0", .privateNetwork), ("10.255.255.255", .privateNetwork),
        ("100.64.0.0", .sharedAddressSpace), ("100.127.255.255", .sharedAddressSpace),
        ("100.100.100.200", .sharedAddressSpace),
        ("127.0.0.1", .loopback), ("127.255.255.255", .loopback),
        ("168.63.129.16", .cloudHost),
        ("169.254.169.254", .linkLocal), ("169.254.0.0", .linkLocal), ("169.254.255.255", .linkLocal),
        ("172.16.0.0", .privateNetwork), ("172.31.255.255", .privateNetwork),
        ("192.0.0.192", .protocolAssignment), ("192.0.2.1", .documentation), ("192.88.99.1", .relayAnycast),
        ("192.168.0.0", .privateNetwork), ("192.168.255.255", .privateNetwork),
        ("198.18.0.0", .benchmarking), ("198.19.255.255", .benchmarking),
        ("198.51.100.7", .documentation), ("203.0.113.7", .documentation),
        ("224.0.0.1", .multicast), ("239.255.255.255", .multicast), ("240.0.0.1", .reserved),
        ("255.255.255.254", .reserved), ("255.255.255.255", .broadcast),
        ("::", .unspecified), ("::1", .loopback), ("fe80::1", .linkLocal), ("febf::1", .linkLocal),
        ("fec0::1", .siteLocal), ("fc00::1", .uniqueLocal), ("fdff::1", .uniqueLocal), ("fd00:ec2::254", .uniqueLocal),
        ("ff02::1", .multicast), ("100::1", .discardOnly), ("2001:db8::1", .documentation), ("3fff::1", .documentation),
        ("2001:2::1", .protocolAssignment), ("2001:20::1", .protocolAssignment), ("5f00::1", .reserved),
        ("4000::1", .reserved), ("1::1", .reserved), ("200::1", .reserved),
        ("::ffff:127.0.0.1", .mapped), ("::ffff:10.1.2.3", .mapped), ("::ffff:169.254.169.254", .mapped),
        ("::127.0.0.1", .mapped), ("::10.0.0.1", .mapped), ("::2", .mapped),
        ("::ffff:0:127.0.0.1", .translated),
        ("2002:7f00:1::", .sixToFour), ("2002:a00:1::1", .sixToFour), ("2002:a9fe:a9fe::", .sixToFour),
        ("64:ff9b::127.0.0.1", .nat64), ("64:ff9b::a9fe:a9fe", .nat64),
        ("64:ff9b:1::1", .localNAT64), ("64:ff9b:1:ffff::8.8.8.8", .localNAT64), ("64:ff9b::1:8.8.8.8", .reserved),
        // Teredo: server 10.0.0.1; then a good server and the client 127.0.0.1, inverted.
        ("2001:0:a00:1::f7f7:f7f7", .teredo), ("2001:0:808:808::80ff:fffe", .teredo),
    ])
    func refusesSpecialAddresses(address: String, rule: EgressRule) throws {
        #expect(try refusal(address) == rule)
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
        "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "2606:4700::1111", "2a00:1450:4001::1", "2001:200::1", "2001:4860:4860::8888", "2000::", "3ffe::1",
        "::ffff:8.8.8.8", "::8.8.8.8", "::ffff:0:8.8.8.8", "2002:808:808::1", "64:ff9b::8.8.8.8",
        "2001:0:808:808::f7f7:f7f7",
    ])
    func permitsPublicAddresses(address: String) throws {
        #expect(try refusal(address) == nil)
    }

    @Test(arguments: [
        ("127.0.0.0/8", "127.0.0.1", true), ("127.0.0.0/8", "10.0.0.1", false), ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.4", false), ("0.0.0.0/0", "192.168.1.1", true), ("0.0.0.0/0", "::1", false),
        ("::/0", "::1", true), ("::/0", "127.0.0.1", false), ("fd00::/8", "fd12::1", true),
        ("fd00::/8", "fc00::1", false),
        ("::1", "::1", true), ("::1/128", "::2", false),
        // An embedded address is judged by what is listed for it.
        ("127.0.0.0/8", "::ffff:127.0.0.1", true), ("::ffff:10.0.0.0/104", "10.9.9.9", true),
        ("::ffff:10.0.0.0/104", "::ffff:10.9.9.9", true), ("10.0.0.0/8", "64:ff9b::10.0.0.1", true),
        ("64:ff9b:1::/48", "64:ff9b:1::1", true),
        // Teredo names two addresses, and both count.
        ("10.0.0.0/8", "2001:0:a00:1::80ff:fffe", false),
    ])
    func permitsWhatIsListed(network: String, address: String, permitted: Bool) throws {
        let rule = try refusal(address, EgressPolicy(allow: [network]))
        #expect((rule == nil) == permitted)
    }

    @Test(arguments: [
        ("", IPNetworkError.Code.invalidAddress), ("/8", .invalidAddress), ("localhost", .invalidAddress),
        ("10.0.0/8", .invalidAddress), ("010.0.0.0/8", .invalidAddress), ("0x7f.0.0.1", .invalidAddress),
        ("256.0.0.0/8", .invalidAddress), ("10.0.0.0.0/8", .invalidAddress), (" 10.0.0.0/8", .invalidAddress),
        ("10.0.0.0\0/8", .invalidAddress), ("fe80::1%eth0", .invalidAddress), ("[::1]", .invalidAddress),
        ("10.0.0.0/", .invalidPrefix), ("10.0.0.0/33", .invalidPrefix), ("10.0.0.0/-1", .invalidPrefix),
        ("10.0.0.0/+8", .invalidPrefix), ("10.0.0.0/8/8", .invalidPrefix), ("10.0.0.0/255.0.0.0", .invalidPrefix),
        ("::/129", .invalidPrefix), ("10.0.0.0/ 8", .invalidPrefix), ("10.0.0.0/0008", .invalidPrefix),
        ("10.0.0.1/8", .hostBitsSet), ("::1/64", .hostBitsSet), ("0.0.0.1/0", .hostBitsSet),
    ])
    func refusesWhatIsNotANetwork(text: String, code: IPNetworkError.Code) {
        #expect(throws: IPNetworkError(code: code, text: text)) { try EgressPolicy(allow: [text]) }
    }

    @Test func namesTheTextInItsErrors() {
        let error = IPNetworkError(code: .hostBitsSet, text: "10.0.0.1/8")
        #expect("\(error)".contains("10.0.0.1/8"))
    }

    @Test func judgesSocketAddresses() throws {
        let policy = try EgressPolicy(allow: ["10.0.0.0/8"])
        func permits(_ address: String) -> Bool {
            var ipv4 = sockaddr_in()
            ipv4.sin_family = sa_family_t(AF_INET)
            var ipv6 = sockaddr_in6()
            ipv6.sin6_family = sa_family_t(AF_INET6)
            if inet_pton(AF_INET, address, &ipv4.sin_addr) == 1 {
                return withUnsafePointer(to: ipv4) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { policy.permits($0) }
                }
            }
            inet_pton(AF_INET6, address, &ipv6.sin6_addr)
            return withUnsafePointer(to: ipv6) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { policy.permits($0) }
            }
        }
        #expect(permits("10.0.0.1"))
        #expect(permits("8.8.8.8"))
        #expect(permits("2606:4700::1111"))
        #expect(!permits("127.0.0.1"))
        #expect(!permits("::1"))
        var unix = sockaddr()
        unix.sa_family = sa_family_t(AF_UNIX)
        #expect(policy.refusal(&unix) == .family)
    }

    @Test func takesIPv6AsBytesInNetworkOrder() {
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes[15] = 1
        #expect(bytes.withUnsafeBytes { EgressPolicy.publicOnly.permits(ipv6: $0) } == false)
        bytes.replaceSubrange(0..<2, with: [0x2A, 0x00])
        #expect(bytes.withUnsafeBytes { EgressPolicy.publicOnly.permits(ipv6: $0) })
        #expect(bytes.dropLast().withUnsafeBytes { EgressPolicy.publicOnly.permits(ipv6: $0) } == false)
    }
}
