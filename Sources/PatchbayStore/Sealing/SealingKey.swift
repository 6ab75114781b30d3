import Crypto
package import PatchbayCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Where a sealed value belongs. It is authenticated with the value, so a value opens nowhere else.
package struct SealedPlace: Sendable, Hashable {
    /// A table.
    package var owner: String
    /// The name of a row in it.
    package var row: String
    package var field: String

    package init(owner: String, row: String, field: String) {
        self.owner = owner
        self.row = row
        self.field = field
    }

    var authenticated: [UInt8] { Array("\(owner)\0\(row)\0\(field)".utf8) }
}

/// The key that secrets are sealed with: AES-256-GCM, a random nonce for each value.
package struct SealingKey: Sendable {
    private static let version: UInt8 = 1
    private let key: SymmetricKey

    /// - Throws: `sealing` unless there are 32 bytes.
    package init(bytes: [UInt8]) throws(StoreError) {
        guard bytes.count == 32 else { throw Self.refusal("has \(bytes.count) bytes; it must have 32") }
        key = SymmetricKey(data: bytes)
    }

    /// Takes 32 bytes as 64 hexadecimal digits or as base64 of either alphabet. White space around it is ignored.
    package init(text: Secret) throws(StoreError) {
        let trimmed = text.reveal().utf8.filter { $0 > 0x20 }
        guard let bytes = KeyText.hexadecimal(trimmed) ?? KeyText.base64(trimmed) else {
            throw Self.refusal("is neither 64 hexadecimal digits nor base64")
        }
        try self.init(bytes: bytes)
    }

    /// The key from `PATCHBAY_SEALING_KEY` if that is given, else from `DIR/sealing.key`, which is made at the first
    /// start.
    ///
    /// - Parameters:
    ///   - directory: the data directory; made if it is missing.
    ///   - environment: the text of `PATCHBAY_SEALING_KEY`; nil or empty = not given.
    /// - Throws: `sealing` for a key that cannot be used or a file that others may read; `system`.
    package static func load(directory: String, environment: Secret?) throws(StoreError) -> SealingKey {
        if let environment, !environment.isEmpty { return try SealingKey(text: environment) }
        try SystemCall.makeDirectory(directory)
        let path = "\(directory)/sealing.key"
        if access(path, F_OK) != 0 { try make(path, beside: "\(directory)/patchbay.db") }
        try checkPermissions(path)
        let content = try SmallFile.read(path, limit: 4096)
        return try SealingKey(text: Secret(String(decoding: content, as: UTF8.self)))
    }

    private static func make(_ path: String, beside database: String) throws(StoreError) {
        guard access(database, F_OK) != 0 else {
            throw StoreError(.sealing, "The sealing key \(path) is missing, but there is a database sealed with it.")
        }
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        try SmallFile.create(path, Array((KeyText.hexadecimal(of: bytes) + "\n").utf8))
    }

    private static func checkPermissions(_ path: String) throws(StoreError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw SystemCall.failure("look at", path) }
        guard status.st_mode & 0o077 == 0 else {
            throw StoreError(.sealing, "The sealing key \(path) may be read by others; its mode must be 0600.")
        }
    }

    private static func refusal(_ what: String) -> StoreError {
        StoreError(.sealing, field: "PATCHBAY_SEALING_KEY", "The sealing key \(what).")
    }

    package func seal(_ secret: Secret, at place: SealedPlace) throws(StoreError) -> [UInt8] {
        try seal(bytes: Array(secret.reveal().utf8), at: place)
    }

    /// - Throws: `sealing` when the key, the place or a byte is not what it was.
    package func open(_ sealed: [UInt8], at place: SealedPlace) throws(StoreError) -> Secret {
        Secret(String(decoding: try open(bytes: sealed, at: place), as: UTF8.self))
    }

    /// The sealed form: a version byte, the nonce, the ciphertext, the tag.
    func seal(bytes: [UInt8], at place: SealedPlace) throws(StoreError) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(bytes, using: key, authenticating: place.authenticated)
            return [Self.version] + box.nonce + box.ciphertext + box.tag
        } catch {
            throw StoreError(.sealing, field: place.field, "A value could not be sealed.")
        }
    }

    func open(bytes sealed: [UInt8], at place: SealedPlace) throws(StoreError) -> [UInt8] {
        guard sealed.count >= 29, sealed[0] == Self.version else { throw unopened(place) }
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: sealed[1..<13]), ciphertext: sealed[13..<(sealed.count - 16)],
                tag: sealed.suffix(16))
            return Array(try AES.GCM.open(box, using: key, authenticating: place.authenticated))
        } catch {
            throw unopened(place)
        }
    }

    private func unopened(_ place: SealedPlace) -> StoreError {
        StoreError(
            .sealing, field: place.field,
            "The sealed \(place.field) of \(place.row) in \(place.owner) does not open: wrong sealing key or damaged."
        )
    }
}
