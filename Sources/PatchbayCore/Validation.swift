/// A value that breaks a rule, wherever it came from.
package struct ValidationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The field as people write it, such as `base_url` or `channels[0].weight`.
    package var field: String
    /// The rule in words that continue "field ...": "must be ...".
    package var rule: String

    package init(field: String, rule: String) {
        self.field = field
        self.rule = rule
    }

    /// One sentence that names the field and the rule.
    package var description: String { "\(field) \(rule)." }

    /// The same error in a part of something larger.
    package func inside(_ parent: String) -> ValidationError {
        ValidationError(field: "\(parent).\(field)", rule: rule)
    }
}

/// The rules that hold for the configuration file and the admin API alike.
package enum Validation {
    package static let weights = 0...1_000_000
    package static let priorities = -1_000...1_000
    package static let concurrencies = 1...1_000_000
    package static let longestName = 64
    package static let longestModel = 256
    package static let longestText = 2_048
    package static let shortestKey = 8
    package static let longestSecret = 16_384

    /// Names of sites, accounts, tokens, keys and groups.
    package static func name(_ text: String, field: @autoclosure () -> String) throws(ValidationError) {
        guard (1...longestName).contains(text.utf8.count), text != ".", text != "..",
            text.utf8.allSatisfy(isNameByte)
        else {
            let rule = "must be 1 to \(longestName) lower-case letters, digits, '-', '_' or '.'"
            throw ValidationError(field: field(), rule: rule)
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x39, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }

    /// An absolute URL of `http` or `https`: a host, an optional port and path, nothing else.
    ///
    /// - Returns: the URL without a trailing slash.
    package static func baseURL(_ text: String, field: String) throws(ValidationError) -> String {
        func refuse(_ rule: String) -> ValidationError { ValidationError(field: field, rule: rule) }
        guard text.utf8.count <= longestText else { throw refuse("must be at most \(longestText) bytes long") }
        let scheme = text.prefix { $0 != ":" }
        guard scheme.lowercased() == "http" || scheme.lowercased() == "https",
            text.dropFirst(scheme.count).hasPrefix("://")
        else { throw refuse("must begin with http:// or https://") }
        let rest = text.dropFirst(scheme.count + 3)
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }) else {
            throw refuse("must not contain spaces, backslashes or characters outside ASCII")
        }
        guard !rest.contains("?"), !rest.contains("#") else { throw refuse("must not have a query or a fragment") }
        let authority = rest.prefix { $0 != "/" }
        guard !authority.contains("@") else { throw refuse("must not contain a user name or password") }
        try authorityIsValid(authority, refuse)
        let path = rest.dropFirst(authority.count)
        return scheme.lowercased() + "://" + authority + String(path.trimmingTrailing("/"))
    }

    private static func authorityIsValid(
        _ authority: Substring, _ refuse: (String) -> ValidationError
    ) throws(ValidationError) {
        var host = authority
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw refuse("has an IPv6 address without ']'") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let tail = authority[authority.index(after: end)...]
            guard !host.isEmpty, host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }),
                tail.isEmpty || isPort(tail)
            else { throw refuse("must have a valid host and port") }
            return
        }
        if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            guard isPort(authority[colon...]) else { throw refuse("must have a port from 1 to 65535") }
        }
        guard !host.isEmpty else { throw refuse("must name a host") }
        guard host.utf8.allSatisfy(isHostByte) else { throw refuse("must have a valid host and port") }
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard text.hasPrefix(":"), text.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(text.dropFirst())
        else { return false }
        return (1...65_535).contains(port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isNameByte(byte) || (0x41...0x5A).contains(byte)
    }

    /// Model names, patterns included: printable, no white space at the ends.
    package static func model(_ text: String, field: @autoclosure () -> String) throws(ValidationError) {
        guard (1...longestModel).contains(text.utf8.count), text.utf8.first != 0x20, text.utf8.last != 0x20,
            isPrintable(text)
        else {
            throw ValidationError(
                field: field(), rule: "must be 1 to \(longestModel) bytes of printable text without spaces around it")
        }
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }

    package static func weight(_ value: Int, field: String) throws(ValidationError) {
        try number(value, in: weights, field: field)
    }

    package static func priority(_ value: Int, field: String) throws(ValidationError) {
        try number(value, in: priorities, field: field)
    }

    package static func number(_ value: Int, in range: ClosedRange<Int>, field: String) throws(ValidationError) {
        guard range.contains(value) else {
            throw ValidationError(
                field: field, rule: "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    package static func priceRatio(_ value: Double, field: String) throws(ValidationError) {
        guard value.isFinite, (0...1_000_000).contains(value) else {
            throw ValidationError(field: field, rule: "must be a number from 0 to 1000000")
        }
    }

    /// A secret that goes into a header: not empty, no line breaks or other control characters.
    package static func secret(_ secret: Secret, field: String) throws(ValidationError) {
        let text = secret.reveal()
        guard (1...longestSecret).contains(text.utf8.count) else {
            throw ValidationError(field: field, rule: "must be 1 to \(longestSecret) bytes long")
        }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValidationError(field: field, rule: "must not contain line breaks or control characters")
        }
    }

    /// A client key that people chose themselves.
    package static func clientKey(_ key: Secret, field: String) throws(ValidationError) {
        let text = key.reveal()
        guard (shortestKey...1_024).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ValidationError(
                field: field, rule: "must be \(shortestKey) to 1024 characters of ASCII without spaces")
        }
    }

    /// The token of the admin API. Words that every scanner tries first are refused.
    package static func adminToken(_ token: Secret, field: String) throws(ValidationError) {
        let known: Set<String> = [
            "admin", "administrator", "changeme", "change-me", "default", "letmein", "password", "secret", "test",
            "token",
            "123456", "12345678", "root", "patchbay",
        ]
        guard !token.isEmpty else { throw ValidationError(field: field, rule: "must not be empty") }
        guard !known.contains(token.reveal().lowercased()) else {
            throw ValidationError(field: field, rule: "must not be a word that everybody knows")
        }
        try clientKey(token, field: field)
    }

    /// A header that is added to requests: a token as name, a value on one line, nothing the gateway decides itself.
    package static func header(_ header: HeaderSetting, field: String) throws(ValidationError) {
        let punctuation: Set<UInt8> = Set("!#$%&'*+-.^_`|~".utf8)
        let isName = header.name.utf8.allSatisfy { isHostByte($0) && $0 != 0x2E || punctuation.contains($0) }
        guard (1...128).contains(header.name.utf8.count), isName else {
            throw ValidationError(field: field, rule: "must have a valid HTTP header name")
        }
        let reserved: Set<String> = [
            "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade",
            "expect",
        ]
        guard !reserved.contains(header.name.lowercased()) else {
            throw ValidationError(field: field, rule: "must not set \(header.name), which belongs to the connection")
        }
        try secret(header.value, field: field)
    }
}

extension Substring {
    fileprivate func trimmingTrailing(_ character: Character) -> Substring {
        var result = self
        while result.last == character { result.removeLast() }
        return result
    }
}
