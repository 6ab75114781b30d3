/// The account that a call belongs to, without its secrets.
public struct AccountContext: Codable, Sendable, Hashable {
    /// `site/account`.
    public var id: String
    /// Credential kind: `api_key`, `access_token`, `password`, `session`, `none`.
    public var kind: String
    /// The plain fields of the credential, such as `username` and `user_id`.
    public var fields: [String: String]

    public init(id: String, kind: String, fields: [String: String] = [:]) {
        self.id = id
        self.kind = kind
        self.fields = fields
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(String.self, forKey: .id) ?? ""
        kind = try container.decodeIfPresent(String.self, forKey: .kind) ?? "none"
        fields = try container.decodeIfPresent([String: String].self, forKey: .fields) ?? [:]
    }

    private enum CodingKeys: String, CodingKey { case id, kind, fields }
}
