import PatchbayCore
import PatchbayWire

/// A token with the account it belongs to.
struct OwnedToken: Sendable {
    var owner: OwnedAccount
    var token: UpstreamToken

    var id: String { "\(owner.id)/\(token.name)" }
}

enum TokenResource: Resource {
    typealias Value = OwnedToken

    static let plural = "tokens"
    static let singular = "token"

    static let view = View<OwnedToken>(
        "Token", "An upstream API key that belongs to an account.",
        [
            .string("id", "`site/account/token`.") { $0.id },
            .string("site", "Name of its site.") { $0.owner.site.name },
            .string("account", "Name of its account.") { $0.owner.account.name },
            .string("name", "Unique within its account.") { $0.token.name },
            .boolean("has_secret", "It holds a key.") { !$0.token.key.isEmpty },
            .member("prefix", .string, "How its key begins.") { Shared.prefix($0.token.key) },
            .optionalString("group", "The site's own group of the token.") { $0.token.group },
            .number("price_ratio", "Factor on the prices.") { $0.token.priceRatio },
            .member("models", .array(Shared.modelOutput).orNull, "What it may use; null = what its account serves.") {
                Shared.document($0.token.models)
            },
            .boolean("enabled", "Requests may use it.") { $0.token.enabled },
        ] + sourceProperties)

    private static let changeable = [
        Field("group", Schema.string(1...Validation.longestModel).orNull, "The site's own group of the token."),
        Field("price_ratio", .number, "Factor on the prices; 1 unless given."),
        Shared.models("What it may use; null or absent = what its account serves."), Shared.enabled,
    ]

    static let creation = Record(
        "TokenCreation", "A new token.",
        [
            Field("site", Shared.name, required: true, "Name of its site."),
            Field("account", Shared.name, required: true, "Name of its account."),
            Field(
                "name", Shared.name, required: true,
                "Lower-case letters, digits, '-', '_' and '.'; unique in its account."),
            Field("key", .string, required: true, secret: true, "The upstream API key."),
        ] + changeable)

    static let change = Record(
        "TokenChange", "Changes to a token.",
        [Field("key", .string, secret: true, "The upstream API key.")] + changeable)

    static func all(in configuration: Configuration) -> [OwnedToken] {
        AccountResource.all(in: configuration).flatMap { owner in
            owner.account.tokens.map { OwnedToken(owner: owner, token: $0) }
        }
    }

    static func id(of value: OwnedToken) -> String { value.id }
    static func source(of value: OwnedToken) -> ConfigurationSource { value.token.source }

    static func make(_ body: JSONObject, in configuration: Configuration) throws(AdminError) -> OwnedToken {
        let id = "\(body["site"]?.stringValue ?? "")/\(body["account"]?.stringValue ?? "")"
        guard let owner = AccountResource.all(in: configuration).first(where: { $0.id == id }) else {
            throw AdminError(.invalidField, "account names '\(id)', which does not exist.", field: "account")
        }
        guard owner.account.source == .store else { throw readOnly("The account '\(id)'", field: "account") }
        let token = UpstreamToken(name: body["name"]?.stringValue ?? "", key: Secret(""), source: .store)
        var value = OwnedToken(owner: owner, token: token)
        try apply(body, to: &value)
        return value
    }

    static func apply(_ body: JSONObject, to value: inout OwnedToken) throws(AdminError) {
        if let key = body["key"]?.stringValue { value.token.key = Secret(key) }
        if let group = body["group"] { value.token.group = group.stringValue }
        if let ratio = body["price_ratio"]?.doubleValue { value.token.priceRatio = ratio }
        if let models = body["models"] { value.token.models = Shared.mappings(models) }
        if let enabled = body["enabled"]?.boolValue { value.token.enabled = enabled }
    }

    static func validate(_ value: inout OwnedToken) throws(AdminError) {
        let token = value.token
        try checking { () throws(ValidationError) in try Validation.token(token) }
    }

    static func checkDeletion(of value: OwnedToken, in configuration: Configuration) throws(AdminError) {
        try RouteUse.refuse("The token '\(value.id)'", in: configuration) {
            $0.site == value.owner.site.name && $0.account == value.owner.account.name && $0.token == value.token.name
        }
    }

    static func definition(of value: OwnedToken) -> Definition {
        .token(value.token, site: value.owner.site.name, account: value.owner.account.name)
    }

    static func definitionID(of value: OwnedToken) -> DefinitionID {
        .token(value.token.name, site: value.owner.site.name, account: value.owner.account.name)
    }
}
