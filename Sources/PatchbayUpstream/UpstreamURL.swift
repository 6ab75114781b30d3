import PatchbayWire

/// An absolute `http` or `https` URL, taken apart. User information, fragments, backslashes, blanks, control characters
/// and bytes beyond ASCII are refused, so that nothing in it can change the request it becomes part of.
package struct UpstreamURL: Sendable, Hashable {
    package var origin: UpstreamOrigin
    /// The request-target: path and query, starting with `/`.
    package var target: String

    package init?(_ text: String) {
        var text = text
        let parts: (UpstreamOrigin, String)? = text.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            guard let split = Self.split(raw) else { return nil }
            let target = String(decoding: raw[split.target], as: UTF8.self)
            return (split.origin, split.needsSlash ? "/" + target : target)
        }
        guard let parts else { return nil }
        (origin, target) = parts
    }

    /// Splits a URL without copying its target.
    /// - Returns: the origin, where path and query are in `url`, and whether a `/` must be put before them.
    package static func split(
        _ url: UnsafeRawBufferPointer
    ) -> (origin: UpstreamOrigin, target: Range<Int>, needsSlash: Bool)? {
        guard let (scheme, start) = scheme(of: url), url.allSatisfy(isAllowed) else { return nil }
        let end = url[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? url.count
        guard let (host, port) = authority(UnsafeRawBufferPointer(rebasing: url[start..<end])) else { return nil }
        let needsSlash = end == url.count || url[end] != UInt8(ascii: "/")
        return (UpstreamOrigin(scheme: scheme, host: host, port: port), end..<url.count, needsSlash)
    }

    private static func scheme(of url: UnsafeRawBufferPointer) -> (UpstreamOrigin.Scheme, end: Int)? {
        func starts(with text: StaticString) -> Bool {
            guard url.count >= text.utf8CodeUnitCount else { return false }
            return (0..<text.utf8CodeUnitCount).allSatisfy { index in
                let expected = text.utf8Start[index]
                return (expected >= 0x61 ? url[index] | 0x20 : url[index]) == expected
            }
        }
        if starts(with: "https://") { return (.https, 8) }
        return starts(with: "http://") ? (.http, 7) : nil
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"): false
        default: 0x21...0x7E ~= byte
        }
    }

    private static func authority(_ bytes: UnsafeRawBufferPointer) -> (host: String, port: Int?)? {
        guard HTTPAuthority.isValid(bytes) else { return nil }
        var hostEnd = bytes.count
        var port: Int?
        let isLiteral = bytes[0] == UInt8(ascii: "[")
        if let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
            !isLiteral || bytes[..<colon].last == UInt8(ascii: "]")
        {
            hostEnd = colon
            if colon + 1 < bytes.count {
                port = bytes[(colon + 1)...].reduce(0) { $0 * 10 + Int($1 - 48) }
                guard let port, 1...65_535 ~= port else { return nil }
            }
        }
        let name = isLiteral ? bytes[1..<(hostEnd - 1)] : bytes[..<hostEnd]
        let lower = name.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }
        return (String(decoding: lower, as: UTF8.self), port)
    }
}
