/// Scheme, host and port of an `http` or `https` URL: the border that credentials must not cross.
struct URLOrigin: Hashable, Sendable {
    var scheme: String
    /// Lower case, brackets of IPv6 addresses included.
    var host: String
    var port: Int

    /// nil if the text is no absolute `http` or `https` URL, or names a user.
    init?(_ text: String) {
        let lowered = text.prefix(2048).lowercased()
        guard let colon = lowered.range(ofScheme: "://") else { return nil }
        scheme = String(lowered[..<colon.lowerBound])
        guard scheme == "http" || scheme == "https" else { return nil }
        let authority = lowered[colon.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" && $0 != "\\" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        if let separator = authority.lastIndex(of: ":"), authority[separator...].allSatisfy({ $0 != "]" }) {
            guard let number = Int(authority[authority.index(after: separator)...]), (1...65535).contains(number) else {
                return nil
            }
            port = number
            host = String(authority[..<separator])
        } else {
            port = scheme == "https" ? 443 : 80
            host = String(authority)
        }
        guard !host.isEmpty else { return nil }
    }
}

extension String {
    fileprivate func range(ofScheme separator: String) -> Range<Index>? {
        guard let colon = firstIndex(of: ":"), self[colon...].hasPrefix(separator) else { return nil }
        return colon..<index(colon, offsetBy: separator.count)
    }
}
