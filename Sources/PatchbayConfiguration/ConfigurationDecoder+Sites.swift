import PatchbayCore

extension ConfigurationDecoder {
    func sites(_ document: MappingReader) -> [Site] {
        var sites: [Site] = []
        for (node, path) in document.list("sites") {
            guard let site = site(node, path) else { continue }
            if sites.contains(where: { $0.name == site.name }) {
                problems.add(node.place(of: "name"), "\(path).name is used by another site.")
            }
            sites.append(site)
        }
        return sites
    }

    private func site(_ node: ConfigurationNode, _ path: String) -> Site? {
        let allowed =
            ["name", "platform", "base_url", "formats", "headers", "config", "enabled", "accounts", "conversion"]
            + Self.keys(PolicySettings.members) + Self.keys(ConcurrencySettings.members)
            + Self.keys(PoolSettings.members)
        guard let fields = reader(node, path, allowed) else { return nil }
        let name = fields.requiredText("name")
        let platform = fields.requiredText("platform")
        let baseURL = fields.requiredText("base_url")
        let headers = headers(fields)
        let accounts = accounts(fields)
        guard let name, let platform, let baseURL else { return nil }
        var site = Site(
            name: name, platform: platform, baseURL: baseURL,
            formats: (fields.texts("formats") ?? []).map(WireFormat.init(rawValue:)), headers: headers,
            pluginConfiguration: pluginConfiguration(fields), enabled: fields.flag("enabled") ?? true, source: .file,
            accounts: accounts)
        site.conversion = conversion(fields)
        read(PolicySettings.members, of: fields, into: &site.policy)
        read(ConcurrencySettings.members, of: fields, into: &site.concurrency)
        read(PoolSettings.members, of: fields, into: &site.pool)
        // A site that breaks a rule is kept, so that what refers to it is not reported too.
        let checked = site
        return fields.check { () throws(ValidationError) in try Validation.site(checked) } ?? site
    }

    private func headers(_ fields: MappingReader) -> [HeaderSetting] {
        fields.entries("headers").compactMap { member in
            guard case .scalar(let text, _) = member.value.content else {
                problems.add(member.value.place, "\(fields.path(of: "headers")).\(member.key) must be a text.")
                return nil
            }
            return HeaderSetting(name: member.key, value: Secret(text))
        }
    }

    private func pluginConfiguration(_ fields: MappingReader) -> String {
        guard let member = fields.member("config") else { return "{}" }
        guard case .map = member.content else {
            problems.add(member.place, "\(fields.path(of: "config")) must be a mapping.")
            return "{}"
        }
        return JSONRendering.text(member)
    }

    private func conversion(_ site: MappingReader) -> String {
        guard let node = site.member("conversion"),
            let fields = reader(node, site.path(of: "conversion"), ConversionSetting.members)
        else { return "{}" }
        checkTraits(fields)
        for (node, path) in fields.list("models") {
            guard let model = reader(node, path, ConversionSetting.modelMembers) else { continue }
            _ = model.requiredText("model")
            checkTraits(model)
        }
        return JSONRendering.text(node)
    }

    private func checkTraits(_ fields: MappingReader) {
        let known = ConversionSetting.Streaming.allCases.map(\.rawValue)
        if let word = fields.text("streaming"), !known.contains(word), let member = fields.member("streaming") {
            let rule = "must be one of \(known.joined(separator: ", "))"
            problems.add(member.place, "\(fields.path(of: "streaming")) \(rule).")
        }
        for (index, name) in (fields.texts("drop") ?? []).enumerated() {
            fields.check { () throws(ValidationError) in
                try Validation.droppedMember(name, field: "drop[\(index)]")
            }
        }
        if let member = fields.member("profile") {
            guard case .map = member.content else {
                return problems.add(member.place, "\(fields.path(of: "profile")) must be a mapping.")
            }
        }
    }

    private func accounts(_ site: MappingReader) -> [Account] {
        var accounts: [Account] = []
        for (node, path) in site.list("accounts") {
            guard let account = account(node, path) else { continue }
            if accounts.contains(where: { $0.name == account.name }) {
                problems.add(node.place(of: "name"), "\(path).name is used by another account of the site.")
            }
            accounts.append(account)
        }
        return accounts
    }

    private func account(_ node: ConfigurationNode, _ path: String) -> Account? {
        let allowed = ["name", "credential", "models", "tokens", "enabled", "max_concurrency"]
        guard let fields = reader(node, path, allowed) else { return nil }
        let name = fields.requiredText("name")
        let credential = credential(fields)
        let tokens = tokens(fields)
        let models = models(fields)
        guard let name, let credential else { return nil }
        var account = Account(
            name: name, credential: credential, models: models, tokens: tokens, enabled: fields.flag("enabled") ?? true,
            source: .file)
        account.maxConcurrency = fields.integer("max_concurrency", in: Validation.concurrencies)
        let checked = account
        fields.check { () throws(ValidationError) in try Validation.account(checked) }
        return account
    }

    /// Absent = none. Which members a kind has is a rule of `Validation`; here they are only sorted.
    private func credential(_ account: MappingReader) -> Credential? {
        guard let node = account.member("credential") else { return Credential.none }
        let known = Validation.credentialKinds.values
        let secretNames = Set(known.flatMap(\.secrets))
        let fieldNames = Set(known.flatMap { $0.fields + $0.optional })
        let allowed = ["kind"] + secretNames.union(fieldNames).sorted()
        let path = account.path(of: "credential")
        guard let fields = reader(node, path, allowed), let kind = fields.requiredText("kind") else { return nil }
        var credential = Credential(kind: kind)
        for name in secretNames.sorted() {
            if let text = fields.text(name) { credential.secrets[name] = Secret(text) }
        }
        for name in fieldNames.sorted() {
            if let text = fields.text(name) { credential.fields[name] = text }
        }
        return credential
    }

    /// Names, or mappings with the upstream's name and the public one; nil = to be discovered.
    private func models(_ fields: MappingReader) -> [ModelMapping]? {
        guard fields.member("models") != nil else { return nil }
        return fields.list("models").compactMap { node, path in
            switch node.content {
            case .scalar(let text, _):
                return ModelMapping(upstream: text)
            case .map:
                guard let mapping = reader(node, path, ["upstream", "as"]),
                    let upstream = mapping.requiredText("upstream")
                else { return nil }
                return ModelMapping(upstream: upstream, name: mapping.text("as"))
            case .empty, .list:
                problems.add(node.place, "\(path) must be a model name or a mapping of upstream and as.")
                return nil
            }
        }
    }

    private func tokens(_ account: MappingReader) -> [UpstreamToken] {
        var tokens: [UpstreamToken] = []
        for (node, path) in account.list("tokens") {
            guard let token = token(node, path) else { continue }
            if tokens.contains(where: { $0.name == token.name }) {
                problems.add(node.place(of: "name"), "\(path).name is used by another token of the account.")
            }
            tokens.append(token)
        }
        return tokens
    }

    private func token(_ node: ConfigurationNode, _ path: String) -> UpstreamToken? {
        let allowed = ["name", "key", "group", "price_ratio", "models", "enabled"]
        guard let fields = reader(node, path, allowed) else { return nil }
        let name = fields.requiredText("name")
        let key = fields.requiredText("key")
        guard let name, let key else { return nil }
        let token = UpstreamToken(
            name: name, key: Secret(key), group: fields.text("group"),
            priceRatio: fields.number("price_ratio", in: 0...1_000_000) ?? 1, models: models(fields),
            enabled: fields.flag("enabled") ?? true, source: .file)
        fields.check { () throws(ValidationError) in try Validation.token(token) }
        return token
    }
}
