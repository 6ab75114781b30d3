package import PatchbayCore

/// The account that a call is made for: whose secrets fill placeholders, whose cookies go along.
package struct AccountContext: Sendable, Hashable {
    /// `site/account`.
    package var id: String
    package var credential: Credential

    package init(id: String, credential: Credential) {
        self.id = id
        self.credential = credential
    }

    package func secret(named name: String) -> Secret? {
        credential.secrets[name]
    }
}

/// The site that an instance is made for.
package struct SiteContext: Sendable, Hashable {
    /// Empty for instances that belong to no site (formats, notifiers).
    package var name: String
    /// Without a trailing slash; empty if there is none.
    package var baseURL: String

    package init(name: String = "", baseURL: String = "") {
        self.name = name
        self.baseURL = baseURL
    }
}
