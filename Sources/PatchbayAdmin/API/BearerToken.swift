import Crypto
package import PatchbayCore

/// The token of the admin API, kept as its hash.
package struct BearerToken: Sendable {
    private let digest: [UInt8]

    package init(_ token: Secret) {
        digest = Self.hash(token.reveal())
    }

    /// Whether an `authorization` header carries the token. Takes the same time wherever the two differ.
    func isCarried(by authorization: String?) -> Bool {
        guard let authorization else { return false }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        let other = Self.hash(String(parts[1].drop { $0 == " " }))
        var difference: UInt8 = 0
        for index in digest.indices { difference |= digest[index] ^ other[index] }
        return difference == 0
    }

    private static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }
}
