#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
package import NIOCore
package import NIOPosix
package import PatchbayCore

/// Turns host names into addresses that the egress policy permits. One per event loop; not for other threads.
///
/// Names are looked up with the system's resolver on a thread pool and remembered for thirty seconds. The policy is
/// applied to every address each time a connection is made, so a changed policy takes effect at once.
package final class UpstreamResolver {
    private struct Entry {
        var addresses: [SocketAddress]
        var expires: NIODeadline
    }

    private typealias Completion = (Result<[SocketAddress], UpstreamError>) -> Void

    /// Replace it on the event loop; connections that are open already are not affected.
    package var policy: EgressPolicy
    /// Where nothing is sent, whatever the policy says. Replace it on the event loop.
    package var ownListeners = OwnListeners()
    private let eventLoop: any EventLoop
    private let threadPool: NIOThreadPool
    private var cache: [String: Entry] = [:]
    private var pending: [String: [Completion]] = [:]

    private static let lifetime = TimeAmount.seconds(30)
    private static let capacity = 1_024

    package init(eventLoop: any EventLoop, threadPool: NIOThreadPool, policy: EgressPolicy) {
        self.eventLoop = eventLoop
        self.threadPool = threadPool
        self.policy = policy
    }

    /// Calls back with at least one permitted address, at once if the name is known or is an address.
    func resolve(_ origin: UpstreamOrigin, _ completion: @escaping (Result<[SocketAddress], UpstreamError>) -> Void) {
        let finish: Completion = { [self] result in
            completion(result.flatMap { addresses in permitted(addresses, origin) })
        }
        if let address = try? SocketAddress(ipAddress: origin.host, port: 0) {
            return finish(.success([address]))
        }
        if let entry = cache[origin.host], entry.expires > .now() {
            return finish(.success(entry.addresses))
        }
        if pending[origin.host] != nil {
            pending[origin.host]?.append(finish)
            return
        }
        pending[origin.host] = [finish]
        look(up: origin.host)
    }

    private func look(up host: String) {
        let lookup = threadPool.runIfActive(eventLoop: eventLoop) { try AddressLookup.addresses(of: host) }
        lookup.assumeIsolated().whenComplete { [self] result in
            let waiting = pending.removeValue(forKey: host) ?? []
            if case .success(let addresses) = result { remember(addresses, for: host) }
            for completion in waiting {
                completion(
                    result.mapError { error in
                        let reason = (error as? AddressLookup.Failure)?.reason ?? "the resolver is not running"
                        return UpstreamError(.resolve, "The host name \(host) could not be resolved: \(reason).")
                    })
            }
        }
    }

    private func remember(_ addresses: [SocketAddress], for host: String) {
        if cache.count >= Self.capacity { cache.removeAll(keepingCapacity: true) }
        cache[host] = Entry(addresses: addresses, expires: .now() + Self.lifetime)
    }

    private func permitted(
        _ addresses: [SocketAddress], _ origin: UpstreamOrigin
    ) -> Result<[SocketAddress], UpstreamError> {
        var permitted: [SocketAddress] = []
        var rule = EgressRule.family
        var isLoop = false
        for var address in addresses {
            address.port = origin.port
            if ownListeners.contains(address) {
                isLoop = true
            } else if let refusal = address.withSockAddr({ pointer, _ in policy.refusal(pointer) }) {
                rule = refusal
            } else {
                permitted.append(address)
            }
        }
        guard permitted.isEmpty else { return .success(permitted) }
        if isLoop {
            return .failure(
                UpstreamError(
                    .loop, "\(origin) is the address that this gateway listens at; a site must not lead back to it."))
        }
        return .failure(
            UpstreamError(
                .denied,
                "The host \(origin.host) is refused by the egress policy: its address is of the class "
                    + "\(rule.rawValue); list its network under egress.allow to permit it."))
    }
}

/// A blocking call of the system's resolver.
private enum AddressLookup {
    struct Failure: Error {
        var reason: String
    }

    static func addresses(of host: String) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else { throw Failure(reason: String(cString: gai_strerror(status))) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = socketAddress(entry) { addresses.append(address) }
            next = entry.ai_next
        }
        guard !addresses.isEmpty else { throw Failure(reason: "it has no internet address") }
        return addresses
    }

    private static func socketAddress(_ entry: addrinfo) -> SocketAddress? {
        guard let raw = UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch entry.ai_family {
        case AF_INET: return SocketAddress(raw.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: return SocketAddress(raw.loadUnaligned(as: sockaddr_in6.self))
        default: return nil
        }
    }
}
