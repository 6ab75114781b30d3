import PatchbayPlugin

/// The beta that a request with an access token instead of an API key must name.
enum OAuthBeta {
    static let name = "oauth-2025-04-20"

    /// The client's list with the beta added, unless it is there.
    static func joined(to betas: ByteView) -> String {
        if betas.isEmpty { return name }
        return betas.contains("oauth-2025-04-20") ? betas.string : betas.string + "," + name
    }
}
