import PatchbayPlugin

/// Base URLs of OpenAI-compatible sites come with and without the version of the API.
enum BaseURL {
    /// True for `https://host/v1`, `…/api/paas/v4`, `…/v1beta/openai`: the endpoint follows at once.
    static func endsInVersion(_ url: ByteView) -> Bool {
        guard let last = lastSegment(of: url) else { return false }
        if isVersion(url[last]) { return true }
        guard url[last] == "openai", let previous = lastSegment(of: url[0..<last.lowerBound - 1]) else { return false }
        return isVersion(url[previous])
    }

    static func endsInVersion(_ url: String) -> Bool {
        var url = url
        return url.withUTF8 { endsInVersion(ByteView(UnsafeRawBufferPointer($0))) }
    }

    /// The last segment of the path; nil if there is no path.
    private static func lastSegment(of url: ByteView) -> Range<Int>? {
        guard let scheme = url.offset(of: "://") else { return nil }
        var start = url.count
        while start > 0, url[start - 1] != UInt8(ascii: "/") { start -= 1 }
        guard start > scheme + 3 else { return nil }
        return start..<url.count
    }

    /// `v` and a number, perhaps followed by `alpha` or `beta` and another number.
    private static func isVersion(_ segment: ByteView) -> Bool {
        guard segment.count >= 2, segment[0] == UInt8(ascii: "v"), isDigit(segment[1]) else { return false }
        var rest = 1
        while rest < segment.count, isDigit(segment[rest]) { rest += 1 }
        guard rest < segment.count else { return true }
        let tail = segment[rest..<segment.count]
        return tail.hasPrefix("alpha") || tail.hasPrefix("beta") || tail.hasPrefix("preview")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
}
