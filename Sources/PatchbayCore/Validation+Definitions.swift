/// Whole resources. Paths in errors are relative to the resource.
extension Validation {
    /// Credential kinds with the secrets and plain fields each must have, and those it may have.
    package static let credentialKinds: [String: (secrets: [String], fields: [String], optional: [String])] = [
        "api_key": (["api_key"], [], []),
        "access_token": (["access_token"], [], ["user_id"]),
        "password": (["password"], ["username"], []),
        "session": (["session"], [], ["user_id"]),
        "none": ([], [], []),
    ]

    package static func credential(_ credential: Credential, field: String = "credential") throws(ValidationError) {
        guard let kind = credentialKinds[credential.kind] else {
            let known = credentialKinds.keys.sorted().joined(separator: ", ")
            throw ValidationError(field: "\(field).kind", rule: "must be one of \(known)")
        }
        for name in kind.secrets {
            guard let secret = credential.secrets[name] else { throw missing(name, credential.kind, field) }
            try self.secret(secret, field: "\(field).\(name)")
        }
        for name in kind.fields where credential.fields[name]?.isEmpty ?? true {
            throw missing(name, credential.kind, field)
        }
        let allowed = Set(kind.secrets + kind.fields + kind.optional)
        for name in (Array(credential.secrets.keys) + Array(credential.fields.keys)).sorted()
        where !allowed.contains(name) {
            throw ValidationError(field: "\(field).\(name)", rule: "does not belong to the kind \(credential.kind)")
        }
    }

    private static func missing(_ name: String, _ kind: String, _ field: String) -> ValidationError {
        ValidationError(field: "\(field).\(name)", rule: "is required for the kind \(kind)")
    }

    package static func models(_ models: [ModelMapping]?, field: String = "models") throws(ValidationError) {
        for (index, mapping) in (models ?? []).enumerated() {
            try model(mapping.upstream, field: "\(field)[\(index)]")
            try model(mapping.name, field: "\(field)[\(index)].as")
        }
    }

    /// Checks a site without its accounts and returns it with its base URL in its normal form.
    package static func site(_ site: Site) throws(ValidationError) -> Site {
        var site = site
        try name(site.name, field: "name")
        try name(site.platform, field: "platform")
        site.baseURL = try baseURL(site.baseURL, field: "base_url")
        for (index, format) in site.formats.enumerated() { try name(format.rawValue, field: "formats[\(index)]") }
        for (index, header) in site.headers.enumerated() { try self.header(header, field: "headers[\(index)]") }
        try settings(site.policy, PolicySettings.members)
        try settings(site.concurrency, ConcurrencySettings.members)
        try settings(site.pool, PoolSettings.members)
        return site
    }

    /// Checks an account without its tokens.
    package static func account(_ account: Account) throws(ValidationError) {
        try name(account.name, field: "name")
        try credential(account.credential)
        try models(account.models)
        if let cap = account.maxConcurrency { try number(cap, in: concurrencies, field: "max_concurrency") }
    }

    package static func token(_ token: UpstreamToken) throws(ValidationError) {
        try name(token.name, field: "name")
        try secret(token.key, field: "key")
        try priceRatio(token.priceRatio, field: "price_ratio")
        try models(token.models)
        if let group = token.group { try text(group, field: "group") }
    }

    package static func key(_ key: Key) throws(ValidationError) {
        try name(key.name, field: "name")
        try name(key.group, field: "group")
        for (index, model) in key.models.enumerated() { try self.model(model, field: "models[\(index)]") }
        try settings(key.limits, KeyLimits.members)
    }

    package static func group(_ group: KeyGroup) throws(ValidationError) {
        try name(group.name, field: "name")
        try settings(group.limits, KeyLimits.members)
    }

    package static func route(_ route: Route) throws(ValidationError) {
        try model(route.model, field: "model")
        for (index, channel) in route.channels.enumerated() { try self.channel(channel, field: "channels[\(index)]") }
        try settings(route.policy, PolicySettings.members)
        try settings(route.concurrency, ConcurrencySettings.members)
        try settings(route.capabilities, ModelCapabilities.members)
        guard let name = route.displayName else { return }
        try text(name, field: "display_name")
        guard !route.model.utf8.contains(UInt8(ascii: "*")) else {
            throw ValidationError(field: "display_name", rule: "belongs to one model and not to a pattern")
        }
    }

    /// Whole numbers that may be set in several places.
    package static func settings<Settings>(
        _ settings: Settings, _ members: [SettingMember<Settings>]
    ) throws(ValidationError) {
        for member in members {
            if let value = settings[keyPath: member.path] { try number(value, in: member.range, field: member.id) }
        }
    }

    package static func channel(_ channel: ChannelReference, field: String) throws(ValidationError) {
        try name(channel.site, field: "\(field).site")
        if let account = channel.account { try name(account, field: "\(field).account") }
        if let token = channel.token { try name(token, field: "\(field).token") }
        guard channel.token == nil || channel.account != nil else {
            throw ValidationError(field: "\(field).token", rule: "needs an account beside it")
        }
        if let model = channel.upstreamModel { try self.model(model, field: "\(field).model") }
        try priority(channel.priority, field: "\(field).priority")
        try weight(channel.weight, field: "\(field).weight")
    }

    /// A member of requests that is left out for an upstream.
    package static func droppedMember(_ name: String, field: String) throws(ValidationError) {
        guard (1...longestName).contains(name.utf8.count), name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ValidationError(field: field, rule: "must be the name of a member of requests")
        }
        guard !ConversionSetting.undroppable.contains(name) else {
            throw ValidationError(field: field, rule: "must not be \(name), without which a request says nothing")
        }
    }

    /// Free text on one line, such as a site's own name of a group.
    package static func text(_ text: String, field: String) throws(ValidationError) {
        guard (1...longestModel).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValidationError(field: field, rule: "must be 1 to \(longestModel) bytes on one line")
        }
    }
}
