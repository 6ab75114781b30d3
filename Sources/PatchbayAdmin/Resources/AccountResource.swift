import PatchbayCore
import PatchbayWire

/// An account with the site it belongs to.
struct OwnedAccount: Sendable {
    var site: Site
    var account: Account

    var id: String { "\(site.name)/\(account.name)" }
}

enum AccountResource: Resource {
    typealias Value = OwnedAccount

    static let plural = "accounts"
    static let singular = "account"

    static let view = View<OwnedAccount>(
        "Account", "An identity on a site.",
        [
            .string("id", "`site/account`.") { $0.id },
            .string("site", "Name of its site.") { $0.site.name },
            .string("name", "Unique within its site.") { $0.account.name },
            .member("credential", .record(credentialOutput), "How it proves who it is; secrets are not shown.") {
                credential($0.account.credential)
            },
            .member("models", .array(Shared.modelOutput).orNull, "What it serves; null = what the site says.") {
                Shared.document($0.account.models)
            },
            .boolean("enabled", "Requests may use it.") { $0.account.enabled },
            .optionalInteger("max_concurrency", maxConcurrencyNote) { $0.account.maxConcurrency },
            .integer("tokens", "How many tokens it has.") { $0.account.tokens.count },
        ] + sourceProperties)

    private static let credentialOutput = Record(
        "Credential", "A credential without its secrets.",
        [
            Field("kind", .string, required: true, "Which one it is."),
            Field("has_secret", .boolean, required: true, "It holds a secret."),
            Field("prefix", .string.orNull, required: true, "How its API key begins; null for other kinds."),
            Field("fields", .map(.string), required: true, "Its plain parts."),
        ])

    private static let kinds = Validation.credentialKinds
    private static let secretNames = Set(kinds.values.flatMap(\.secrets)).sorted()
    private static let plainNames = Set(kinds.values.flatMap { $0.fields + $0.optional }).sorted()

    private static let credentialInput = Record(
        "CredentialInput", "A credential: its kind and the parts that belong to the kind.",
        [Field("kind", .choice(kinds.keys.sorted()), required: true, "Which one it is.")]
            + secretNames.map { Field($0, .string, secret: true, "Secret of the kinds that have it.") }
            + plainNames.map { Field($0, .string, "Plain part of the kinds that have it.") })

    private static func credential(_ credential: Credential) -> JSONValue {
        let fields = credential.fields.sorted { $0.key < $1.key }.map {
            JSONObject.Member(key: $0.key, value: .string($0.value))
        }
        return [
            "kind": .string(credential.kind), "has_secret": .bool(!credential.secrets.isEmpty),
            "prefix": credential.secrets["api_key"].map(Shared.prefix) ?? .null, "fields": .object(JSONObject(fields)),
        ]
    }

    private static let modelsField = Shared.models("What it serves; null or absent = what the site says.")

    static let creation = Record(
        "AccountCreation", "A new account.",
        [
            Field("site", Shared.name, required: true, "Name of its site."),
            Field(
                "name", Shared.name, required: true, "Lower-case letters, digits, '-', '_' and '.'; unique in its site."
            ),
            Field("credential", .record(credentialInput), required: true, "How it proves who it is."), modelsField,
            Shared.enabled, maxConcurrency,
        ])

    private static let maxConcurrencyNote = "Attempts under way with it and its tokens; null = what the site takes."
    private static let maxConcurrency = Field(
        "max_concurrency", Schema.integer(Validation.concurrencies).orNull, maxConcurrencyNote)

    static let change = Record(
        "AccountChange", "Changes to an account.",
        [
            Field("credential", .record(credentialInput), "Replaces the whole credential."), modelsField,
            Shared.enabled, maxConcurrency,
        ])

    static func all(in configuration: Configuration) -> [OwnedAccount] {
        configuration.sites.flatMap { site in site.accounts.map { OwnedAccount(site: site, account: $0) } }
    }

    static func id(of value: OwnedAccount) -> String { value.id }
    static func source(of value: OwnedAccount) -> ConfigurationSource { value.account.source }

    static func make(_ body: JSONObject, in configuration: Configuration) throws(AdminError) -> OwnedAccount {
        let name = body["site"]?.stringValue ?? ""
        guard let site = configuration.sites.first(where: { $0.name == name }) else {
            throw AdminError(.invalidField, "site names '\(name)', which does not exist.", field: "site")
        }
        guard site.source == .store else { throw readOnly("The site '\(name)'", field: "site") }
        let account = Account(name: body["name"]?.stringValue ?? "", credential: .none, source: .store)
        var value = OwnedAccount(site: site, account: account)
        try apply(body, to: &value)
        return value
    }

    static func apply(_ body: JSONObject, to value: inout OwnedAccount) throws(AdminError) {
        if let credential = body["credential"]?.objectValue { value.account.credential = Self.credential(credential) }
        if let models = body["models"] { value.account.models = Shared.mappings(models) }
        if let enabled = body["enabled"]?.boolValue { value.account.enabled = enabled }
        if let cap = body["max_concurrency"] { value.account.maxConcurrency = cap.intValue }
    }

    private static func credential(_ body: JSONObject) -> Credential {
        var credential = Credential(kind: body["kind"]?.stringValue ?? "")
        for member in body.members where member.key != "kind" {
            guard let text = member.value.stringValue else { continue }
            if secretNames.contains(member.key) {
                credential.secrets[member.key] = Secret(text)
            } else {
                credential.fields[member.key] = text
            }
        }
        return credential
    }

    static func validate(_ value: inout OwnedAccount) throws(AdminError) {
        let account = value.account
        try checking { () throws(ValidationError) in try Validation.account(account) }
    }

    static func checkDeletion(of value: OwnedAccount, in configuration: Configuration) throws(AdminError) {
        try RouteUse.refuse("The account '\(value.id)'", in: configuration) {
            $0.site == value.site.name && $0.account == value.account.name
        }
    }

    static func definition(of value: OwnedAccount) -> Definition { .account(value.account, site: value.site.name) }
    static func definitionID(of value: OwnedAccount) -> DefinitionID {
        .account(value.account.name, site: value.site.name)
    }
}
