import PatchbayCore
import PatchbayWire

enum KeyResource: Resource {
    typealias Value = Key

    static let plural = "keys"
    static let singular = "key"

    static let view = View<Key>("Key", "A downstream client credential.", properties)

    private static let properties: [View<Key>.Property] =
        [
            .string("id", "Its name.") { $0.name },
            .string("name", "Unique.") { $0.name },
            .boolean("has_secret", "Always true: the key itself is kept as a hash only.") { _ in true },
            .string("prefix", "How the key begins.") { $0.displayPrefix },
            .strings("models", "Public model names it may use, exact or with '*'.") { $0.models },
            .string("group", "The tenant it belongs to.") { $0.group },
            .boolean("enabled", "It is let in.") { $0.enabled },
            .boolean("strict_conversion", Shared.strictConversion.note) { $0.strictConversion },
            .boolean("server_timing", serverTiming.note) { $0.serverTiming },
        ] + SharedSettings.keyLimits.properties { $0.limits } + sourceProperties

    /// A key just created, with its text.
    static let created = View<CreatedKey>(
        "CreatedKey", "A new client key. Its text is shown this once.",
        properties.map { property in .init(field: property.field) { property.read($0.key) } } + [
            .string("key", "The key itself.") { $0.text.reveal() }
        ])

    private static let serverTiming = Field(
        "server_timing", .boolean, "Answers say in the header server-timing where the time went; false unless given.")

    struct CreatedKey: Sendable {
        var key: Key
        var text: Secret
    }

    private static let changeable =
        [
            Field(
                "models", .array(Shared.modelName),
                "Public model names it may use, exact or with '*'; all unless given."),
            Field("group", Shared.name, "The tenant it belongs to; `default` unless given."), Shared.enabled,
            Shared.strictConversion, serverTiming,
        ] + SharedSettings.keyLimits.fields

    static let creation = Record(
        "KeyCreation", "A new client key.",
        [
            Field("name", Shared.name, required: true, "Lower-case letters, digits, '-', '_' and '.'; unique."),
            Field("key", .string, secret: true, "The key itself; made up unless given."),
        ] + changeable)

    static let change = Record("KeyChange", "Changes to a client key.", changeable)

    static func all(in configuration: Configuration) -> [Key] { configuration.keys }
    static func id(of key: Key) -> String { key.name }
    static func source(of key: Key) -> ConfigurationSource { key.source }

    /// The text and the hash are added by ``KeyRoutes``.
    static func make(_ body: JSONObject, in configuration: Configuration) throws(AdminError) -> Key {
        var key = Key(
            name: body["name"]?.stringValue ?? "", digest: KeyDigest(bytes: [UInt8](repeating: 0, count: 32)),
            displayPrefix: "", source: .store)
        try apply(body, to: &key)
        return key
    }

    static func apply(_ body: JSONObject, to key: inout Key) throws(AdminError) {
        if let models = body["models"]?.arrayValue { key.models = models.compactMap(\.stringValue) }
        if let group = body["group"]?.stringValue { key.group = group }
        if let enabled = body["enabled"]?.boolValue { key.enabled = enabled }
        if let strict = body["strict_conversion"]?.boolValue { key.strictConversion = strict }
        if let timing = body["server_timing"]?.boolValue { key.serverTiming = timing }
        SharedSettings.keyLimits.apply(body, to: &key.limits)
    }

    static func validate(_ key: inout Key) throws(AdminError) {
        let checked = key
        try checking { () throws(ValidationError) in try Validation.key(checked) }
    }

    static func definition(of key: Key) -> Definition { .key(key) }
    static func definitionID(of key: Key) -> DefinitionID { .key(key.name) }
}

/// The operations of keys; creating one differs, since the text is shown once.
struct KeyRoutes: Sendable {
    let plain: ResourceRoutes<KeyResource>

    var all: [AdminRoute] { [plain.list, create, plain.read, plain.update, plain.delete] }

    private var create: AdminRoute {
        var create = plain.create
        create.success = .init(status: 201, schema: KeyResource.created.schema, note: "It exists now.")
        create.handle = { [backend = plain.backend, changes = plain.changes] call in
            try await changes.run {
                let configuration = try await backend.configuration()
                var key = try KeyResource.make(call.body, in: configuration)
                try KeyResource.validate(&key)
                try ResourceRoutes<KeyResource>.requireNew(key, in: configuration)
                let text = call.body["key"]?.stringValue.map(Secret.init)
                if let text {
                    try checking { () throws(ValidationError) in try Validation.clientKey(text, field: "key") }
                }
                let made = backend.clientKey(text)
                key.digest = made.digest
                key.displayPrefix = made.displayPrefix
                if let twin = configuration.keys.first(where: { $0.digest == key.digest }) {
                    throw AdminError(.alreadyExists, "The key '\(twin.name)' has the same text.", field: "key")
                }
                try await backend.save(.key(key))
                return AdminAnswer(status: 201, KeyResource.created.document(.init(key: key, text: made.text)))
            }
        }
        return create
    }
}
