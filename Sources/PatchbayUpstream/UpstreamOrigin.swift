package import NIOCore

/// Where requests go: connections are pooled per origin.
package struct UpstreamOrigin: Sendable, Hashable {
    package enum Scheme: UInt8, Sendable, Hashable {
        case http, https

        var defaultPort: Int { self == .http ? 80 : 443 }
    }

    package var scheme: Scheme
    /// A host name in lower case, or an IP address; IPv6 without brackets.
    package var host: String
    /// 1...65535.
    package var port: Int

    package init(scheme: Scheme, host: String, port: Int? = nil) {
        self.scheme = scheme
        self.host = host
        self.port = port ?? scheme.defaultPort
    }

    /// The value of the Host field: brackets around IPv6, the port unless it is the scheme's own.
    package var authority: String {
        let name = isIPv6 ? "[\(host)]" : host
        return port == scheme.defaultPort ? name : "\(name):\(port)"
    }

    /// Appends ``authority`` without making a string.
    package func writeAuthority(into buffer: inout ByteBuffer) {
        if isIPv6 {
            buffer.writeInteger(UInt8(ascii: "["))
            buffer.writeString(host)
            buffer.writeInteger(UInt8(ascii: "]"))
        } else {
            buffer.writeString(host)
        }
        guard port != scheme.defaultPort else { return }
        buffer.writeInteger(UInt8(ascii: ":"))
        var divisor = 10_000
        while divisor > max(port, 1) { divisor /= 10 }
        while divisor > 0 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: port / divisor % 10 + 48))
            divisor /= 10
        }
    }

    private var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }
}

extension UpstreamOrigin: CustomStringConvertible {
    package var description: String { "\(scheme == .http ? "http" : "https")://\(authority)" }
}
