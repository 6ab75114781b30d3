import Crypto
package import PatchbayCore

/// Makes client keys and admin tokens, and recognises them by their hash.
package enum KeyFactory {
    /// A new client key: `sk-pb-` and 43 characters that carry 256 random bits.
    package static func generate() -> Secret { random(prefix: "sk-pb-") }

    /// A new token for the admin API.
    package static func generateAdminToken() -> Secret { random(prefix: "pb-admin-") }

    private static func random(prefix: String) -> Secret {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return Secret(prefix + KeyText.base64URL(of: bytes))
    }

    /// SHA-256 of the key.
    package static func digest(of key: Secret) -> KeyDigest {
        KeyDigest(bytes: Array(SHA256.hash(data: Array(key.reveal().utf8))))
    }

    /// What is shown so that people recognise a key: at most eleven characters and a third of it.
    package static func displayPrefix(of key: Secret) -> String { key.prefix(11) }
}
