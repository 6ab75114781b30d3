import PatchbayWire

/// Which header fields pass through the gateway.
enum ForwardedFields {
    /// From a client to an upstream.
    static func toUpstream(_ field: HTTPField, name: UnsafeRawBufferPointer, sameFormat: Bool) -> Bool {
        switch field.known {
        case .contentType, .accept, .userAgent: return true
        case .anthropicVersion, .anthropicBeta, .idempotencyKey: return sameFormat
        case .other: break
        default: return false
        }
        guard sameFormat else { return false }
        return !refusedPrefixes.contains { name.hasPrefixIgnoringCase($0) }
            && !refusedNames.contains { name.equalsIgnoringCase($0) }
    }

    /// From an upstream to a client. A list of what is wanted: an upstream does not get to set cookies or policies on
    /// the gateway's origin, nor to name its own machines.
    static func toClient(_ field: HTTPField, name: UnsafeRawBufferPointer) -> Bool {
        switch field.known {
        case .contentType, .contentEncoding, .retryAfter: return true
        case .other: break
        default: return false
        }
        return wantedPrefixes.contains { name.hasPrefixIgnoringCase($0) }
    }

    /// Whether a `Connection` field names the header, which makes it one of this connection only (RFC 9110 section
    /// 7.6.1).
    static func isListed(_ name: UnsafeRawBufferPointer, in connection: UnsafeRawBufferPointer) -> Bool {
        connection.split(separator: UInt8(ascii: ",")).contains { option in
            var option = option
            while let first = option.first, first == 0x20 || first == 0x09 { option.removeFirst() }
            while let last = option.last, last == 0x20 || last == 0x09 { option.removeLast() }
            return UnsafeRawBufferPointer(rebasing: option).equalsIgnoringCase(name)
        }
    }

    /// Identities of the client elsewhere, names and addresses of the people behind it, traces of proxies, and what the
    /// SDKs tell about themselves.
    private static let refusedPrefixes: [StaticString] = [
        "x-stainless-", "x-patchbay-", "x-forwarded-", "x-envoy-", "cf-", "sec-", "proxy-", "x-amz", "x-goog-",
        "x-openwebui-",
    ]
    private static let refusedNames: [StaticString] = [
        "cookie", "origin", "referer", "forwarded", "via", "x-real-ip", "openai-organization", "openai-project",
        "anthropic-workspace-id", "keep-alive", "priority", "dnt", "accept-language", "cache-control", "pragma",
        "x-http-method-override", "x-method-override",
    ]
    private static let wantedPrefixes: [StaticString] = ["openai-", "anthropic-", "x-ratelimit-"]
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes begin with `text`, which is in lower case.
    func hasPrefixIgnoringCase(_ text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where lowerCased(self[index]) != text.utf8Start[index] { return false }
        return true
    }

    func equalsIgnoringCase(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && hasPrefixIgnoringCase(text)
    }

    /// Whether the bytes are those of `other`, ASCII letters compared without case.
    func equalsIgnoringCase(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where lowerCased(self[index]) != lowerCased(other[index]) { return false }
        return true
    }
}

@inline(__always)
private func lowerCased(_ byte: UInt8) -> UInt8 {
    byte >= 65 && byte <= 90 ? byte | 0x20 : byte
}
