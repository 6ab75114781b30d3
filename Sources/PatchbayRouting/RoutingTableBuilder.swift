import PatchbayCore

/// Works out a ``RoutingTable``: who can be sent to, what each serves, and which of them each route takes.
struct RoutingTableBuilder {
    /// Someone a credential belongs to: a token, or an account without tokens.
    struct Party {
        let id: String
        let site: Int
        let account: Account
        let token: UpstreamToken?
        let credential: Credential
        /// Nil = nobody knows what it serves.
        let models: [ModelMapping]?
        let exclusion: Exclusion?
        /// Names of the upstream by public name.
        let upstreams: [String: [String]]
        /// What the site says of its models, by their names there.
        let cards: [String: ModelCard]

        init(
            id: String, site: Int, account: Account, token: UpstreamToken?, credential: Credential,
            models: [ModelMapping]?, exclusion: Exclusion?
        ) {
            self.id = id
            self.site = site
            self.account = account
            self.token = token
            self.credential = credential
            self.models = models
            self.exclusion = exclusion
            upstreams = Dictionary(grouping: models ?? [], by: \.name).mapValues { $0.map(\.upstream) }
            cards = Dictionary(
                (models ?? []).lazy.filter { !$0.card.isEmpty }.map { ($0.upstream, $0.card) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    private let configuration: Configuration
    private let discovered: [String: [ModelMapping]]
    private let platformFormats: [String: [WireFormat]]

    private(set) var formats: [WireFormat] = []
    private(set) var parties: [Party] = []
    private(set) var channels: [Channel] = []
    private(set) var links: ContiguousArray<ChannelLink> = []
    private(set) var channelIndex: [String: Int32] = [:]
    private(set) var candidates: [Candidate] = []
    private(set) var routes: [RouteEntry] = []
    private var siteFormats: [[WireFormat]] = []
    private var siteIndex: [String: Int] = [:]
    /// Who lists each public name, in the order of the configuration.
    private var servers: [String: [(party: Int, upstream: String)]] = [:]

    init(
        configuration: Configuration, discovered: [String: [ModelMapping]], platformFormats: [String: [WireFormat]]
    ) {
        self.configuration = configuration
        self.discovered = discovered
        self.platformFormats = platformFormats
    }

    mutating func build() {
        for (index, site) in configuration.sites.enumerated() { add(site, at: index) }
        var declared: [String: Route] = [:]
        for route in configuration.routes where !GlobPattern.isPattern(route.model) {
            declared[route.model] = declared[route.model] ?? route
        }
        let patterns = configuration.routes.filter { GlobPattern.isPattern($0.model) }
            .map { (glob: GlobPattern($0.model), route: $0) }
            .sorted { GlobPattern.isMoreSpecific($0.glob, $1.glob) }
        for (index, party) in parties.enumerated() {
            for model in party.models ?? [] { servers[model.name, default: []].append((index, model.upstream)) }
        }
        var names = Set(servers.keys)
        names.formUnion(declared.keys)
        names.formUnion(configuration.prices.keys)
        for name in names.sorted() {
            if let route = declared[name] {
                addRoute(name, route, pattern: nil, isListed: true)
            } else {
                addUndeclared(name, patterns: patterns)
            }
        }
        for pattern in patterns { addPattern(pattern.route) }
    }

    // MARK: - Sites and parties

    private mutating func add(_ site: Site, at index: Int) {
        let spoken = site.formats.isEmpty ? platformFormats[site.platform] ?? [] : site.formats
        for format in spoken where !formats.contains(format) && formats.count < UInt32.bitWidth {
            formats.append(format)
        }
        siteFormats.append(spoken.filter(formats.contains))
        siteIndex[site.name] = siteIndex[site.name] ?? index
        for account in site.accounts {
            let accountID = "\(site.name)/\(account.name)"
            let models = account.models ?? discovered[accountID]
            let exclusion: Exclusion? = !site.enabled ? .siteDisabled : account.enabled ? nil : .accountDisabled
            if account.tokens.isEmpty {
                parties.append(
                    Party(
                        id: accountID, site: index, account: account, token: nil, credential: account.credential,
                        models: models, exclusion: exclusion))
            }
            for token in account.tokens {
                let id = "\(accountID)/\(token.name)"
                parties.append(
                    Party(
                        id: id, site: index, account: account, token: token,
                        credential: Credential(kind: "api_key", secrets: ["api_key": token.key]),
                        models: token.models ?? discovered[id] ?? models,
                        exclusion: exclusion ?? (token.enabled ? nil : .tokenDisabled)))
            }
        }
    }

    /// The channel of a party for a model of the upstream; made at its first use.
    private mutating func channel(of party: Int, upstreamModel: String?) -> Int32 {
        let id = "\(parties[party].id):\(upstreamModel ?? "*")"
        if let known = channelIndex[id] { return known }
        let owner = parties[party]
        let site = configuration.sites[owner.site]
        let set = FormatSet(siteFormats[owner.site].compactMap { formats.firstIndex(of: $0) })
        let index = Int32(channels.count)
        let card = upstreamModel.flatMap { owner.cards[$0] } ?? ModelCard()
        channels.append(
            Channel(
                id: id, site: owner.site, siteName: site.name, account: "\(site.name)/\(owner.account.name)",
                accountName: owner.account.name, token: owner.token?.name, credential: owner.credential,
                upstreamModel: upstreamModel, formats: siteFormats[owner.site], formatSet: set, card: card))
        links.append(
            ChannelLink(
                site: Int32(owner.site), credential: Int32(party), formats: set, sendsClientModel: upstreamModel == nil)
        )
        channelIndex[id] = index
        return index
    }

    // MARK: - Routes

    private mutating func addUndeclared(_ name: String, patterns: [(glob: GlobPattern, route: Route)]) {
        let servers = servers[name]
        for pattern in patterns where pattern.glob.matches(name) {
            if !resolve(pattern.route, name: name).isEmpty {
                return addRoute(name, pattern.route, pattern: pattern.route.model, isListed: servers != nil)
            }
        }
        guard let servers else { return }
        let found = servers.map { candidate($0.party, upstreamModel: $0.upstream, name: name, priority: 0, weight: 1) }
        append(name, found, route: nil, pattern: nil, isPattern: false, isListed: true)
    }

    private mutating func addRoute(_ name: String, _ route: Route, pattern: String?, isListed: Bool) {
        append(
            name, resolve(route, name: name), route: route, pattern: pattern, isPattern: false, isListed: isListed)
    }

    /// What a pattern does for names that no account lists. Without candidates it does not apply to them.
    private mutating func addPattern(_ route: Route) {
        let found = resolve(route, name: nil)
        guard !found.isEmpty else { return }
        append(route.model, found, route: route, pattern: route.model, isPattern: true, isListed: false)
    }

    /// The candidates of a declared route; a channel that is named twice counts where it was named first.
    ///
    /// - Parameter name: The public model name; nil = one that no account lists.
    private mutating func resolve(_ route: Route, name: String?) -> [Candidate] {
        var found: [Candidate] = []
        for reference in route.channels {
            guard let site = siteIndex[reference.site] else { continue }
            for party in parties.indices where matches(parties[party], reference, site: site) {
                for upstream in upstreamModels(parties[party], reference, name: name) {
                    let made = candidate(
                        party, upstreamModel: upstream, name: name, priority: reference.priority,
                        weight: reference.weight)
                    if !found.contains(where: { $0.channel == made.channel }) { found.append(made) }
                }
            }
        }
        return found
    }

    private func matches(_ party: Party, _ reference: ChannelReference, site: Int) -> Bool {
        party.site == site && (reference.account == nil || reference.account == party.account.name)
            && (reference.token == nil || reference.token == party.token?.name)
    }

    /// The names under which a party would be sent the model; none = it does not serve it. An element that is nil
    /// stands for the name the client asks for.
    private func upstreamModels(_ party: Party, _ reference: ChannelReference, name: String?) -> [String?] {
        let isTrusted = reference.account != nil || party.models == nil
        if let wanted = reference.upstreamModel {
            return isTrusted || party.models?.contains { $0.upstream == wanted } == true ? [wanted] : []
        }
        if let listed = name.flatMap({ party.upstreams[$0] }) { return listed }
        return isTrusted ? [name] : []
    }

    private mutating func candidate(
        _ party: Int, upstreamModel: String?, name: String?, priority: Int, weight: Int
    ) -> Candidate {
        let price = name.flatMap { configuration.prices[$0] }
        return Candidate(
            channel: channel(of: party, upstreamModel: upstreamModel), priority: Int32(clamping: priority),
            weight: UInt32(clamping: min(weight, 1_000_000)),
            price: price?.scaled(by: parties[party].token?.priceRatio ?? 1),
            exclusion: parties[party].exclusion ?? (weight > 0 ? nil : .weightZero))
    }

    /// - Parameter route: What was declared; nil = generated.
    private mutating func append(
        _ model: String, _ found: [Candidate], route: Route?, pattern: String?, isPattern: Bool, isListed: Bool
    ) {
        let ordered = found.enumerated().sorted { left, right in
            let (first, second) = (sortKey(left.element), sortKey(right.element))
            return first == second ? left.offset < right.offset : first < second
        }.map(\.element)
        let start = candidates.count
        let usable = ordered.filter { $0.exclusion == nil }
        candidates += usable + ordered.filter { $0.exclusion != nil }
        let said = ModelCard(displayName: route?.displayName, capabilities: route?.capabilities ?? .init())
        let known = usable.map { channels[Int($0.channel)].card }.reduce(ModelCard()) { $0.common(with: $1) }
        routes.append(
            RouteEntry(
                model: model, isPattern: isPattern, pattern: pattern, source: route?.source ?? .generated,
                isListed: isListed && !usable.isEmpty, usable: start..<start + usable.count,
                all: start..<candidates.count, problems: route.map(problems) ?? [],
                policy: route?.policy ?? PolicySettings(),
                concurrency: route?.concurrency ?? ConcurrencySettings(),
                strictConversion: route?.strictConversion ?? false,
                declaredOutput: said.capabilities.maxOutputTokens, card: known.overlaid(by: said)))
    }

    /// Priority first, then the cheaper one; without a price last.
    private func sortKey(_ candidate: Candidate) -> (Int32, Int64) {
        guard let price = candidate.price else { return (candidate.priority, .max) }
        return (candidate.priority, (price.input + price.output).picodollars)
    }

    private func problems(of route: Route) -> [String] {
        var problems: [String] = []
        for reference in route.channels {
            guard let index = siteIndex[reference.site] else {
                problems.append("The route names the site '\(reference.site)', which does not exist.")
                continue
            }
            let accounts = configuration.sites[index].accounts
            if let name = reference.account, !accounts.contains(where: { $0.name == name }) {
                problems.append("The route names the account '\(reference.site)/\(name)', which does not exist.")
            } else if let token = reference.token,
                !accounts.contains(where: { account in
                    (reference.account ?? account.name) == account.name
                        && account.tokens.contains { $0.name == token }
                })
            {
                problems.append("The route names the token '\(token)' of '\(reference.site)', which does not exist.")
            }
        }
        return problems
    }
}

extension FormatSet {
    init(_ indexes: [Int]) {
        self.init(rawValue: indexes.reduce(0) { $0 | 1 << UInt32($1) })
    }
}

extension ModelPrice {
    /// The price times a ratio; a ratio that is not a finite number above or equal to zero counts as one.
    func scaled(by ratio: Double) -> ModelPrice {
        guard ratio.isFinite, ratio >= 0, ratio != 1 else { return self }
        func scaled(_ money: Money) -> Money { Money(dollars: money.dollars * ratio) }
        return ModelPrice(
            input: scaled(input), output: scaled(output), cachedInput: cachedInput.map(scaled),
            cacheWrite: cacheWrite.map(scaled), perRequest: scaled(perRequest))
    }
}
