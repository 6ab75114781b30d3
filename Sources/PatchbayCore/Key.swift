/// SHA-256 of a client key. The key itself is never stored.
package struct KeyDigest: Sendable, Hashable {
    package var words: (UInt64, UInt64, UInt64, UInt64)

    /// The 32 bytes of the hash, first byte first.
    package init(bytes: some Collection<UInt8>) {
        precondition(bytes.count == 32, "a SHA-256 hash has 32 bytes")
        var iterator = bytes.makeIterator()
        func word() -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: 0, to: 64, by: 8) { value |= UInt64(iterator.next() ?? 0) << UInt64(shift) }
            return value
        }
        words = (word(), word(), word(), word())
    }

    package var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
    }

    package static func == (left: KeyDigest, right: KeyDigest) -> Bool { left.words == right.words }

    /// The words are uniformly distributed already.
    package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

/// A downstream client credential.
package struct Key: Sendable {
    /// Unique; also its id.
    package var name: String
    package var digest: KeyDigest
    /// The first characters of the key, for people to recognise it.
    package var displayPrefix: String
    /// Public model names it may use: exact or with `*`.
    package var models: [String]
    package var group: String
    package var limits = KeyLimits()
    package var enabled: Bool
    package var source: ConfigurationSource
    /// Its requests are refused rather than sent with something lost that changes their meaning.
    package var strictConversion = false
    /// Its answers say in `server-timing` where the time went.
    package var serverTiming = false

    package init(
        name: String, digest: KeyDigest, displayPrefix: String, models: [String] = ["*"], group: String = "default",
        enabled: Bool = true, source: ConfigurationSource
    ) {
        self.name = name
        self.digest = digest
        self.displayPrefix = displayPrefix
        self.models = models
        self.group = group
        self.enabled = enabled
        self.source = source
    }
}

extension KeyDigest {
    /// The 32 bytes of the hash as they lie in memory.
    package init(rawBytes: UnsafeRawBufferPointer) {
        precondition(rawBytes.count == 32, "a SHA-256 hash has 32 bytes")
        func word(_ index: Int) -> UInt64 {
            UInt64(littleEndian: rawBytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        words = (word(0), word(1), word(2), word(3))
    }
}
