import PatchbayCore

/// Makes a configuration from nodes. Wrong parts are noted and left at their defaults, so that one run finds them all.
struct ConfigurationDecoder {
    let problems: ProblemList

    func decode(_ root: ConfigurationNode) -> Configuration {
        var configuration = Configuration()
        let allowed =
            ["gateway", "admin", "egress", "prices", "sites", "keys", "groups", "routes"]
            + Self.keys(PolicySettings.members) + Self.keys(ConcurrencySettings.members)
            + Self.keys(PoolSettings.members)
        guard let document = reader(root, "", allowed) else { return configuration }
        if let node = document.member("gateway") { configuration.gateway = gateway(node) }
        globalSettings(document, into: &configuration)
        if let node = document.member("admin") { configuration.admin = admin(node) }
        if let node = document.member("egress") { configuration.egress = egress(node) }
        configuration.prices = prices(document)
        configuration.sites = sites(document)
        configuration.keys = keys(document)
        configuration.groups = groups(document)
        configuration.routes = routes(document, sites: configuration.sites)
        checkListeners(configuration, document)
        return configuration
    }

    func reader(_ node: ConfigurationNode, _ path: String, _ allowed: [String]) -> MappingReader? {
        MappingReader(node, path: path, allowed: allowed, problems: problems)
    }

    private func gateway(_ node: ConfigurationNode) -> GatewayConfiguration {
        var gateway = GatewayConfiguration()
        guard let fields = reader(node, "gateway", Self.gatewayKeys) else { return gateway }
        gateway.listen = listen(fields) ?? gateway.listen
        gateway.eventLoops = fields.integer("event_loops", in: 1...1_024)
        gateway.maxHops = fields.integer("max_hops", in: 1...100) ?? gateway.maxHops
        gateway.isBehindCDN = fields.flag("behind_cdn") ?? gateway.isBehindCDN
        if let node = fields.member("limits") { gateway.limits = limits(node) }
        if let node = fields.member("timeouts") { gateway.timeouts = timeouts(node) }
        if let node = fields.member("responses") { gateway.responses = responses(node) }
        if let node = fields.member("files") { gateway.files = files(node) }
        if let node = fields.member("drain") { gateway.drain = drain(node) }
        return gateway
    }

    private func listen(_ fields: MappingReader) -> ListenAddress? {
        guard let text = fields.text("listen") else { return nil }
        guard let address = ListenAddress(text) else {
            let place = fields.node.place(of: "listen")
            problems.add(place, "\(fields.path(of: "listen")) must be HOST:PORT, [IPV6]:PORT or :PORT.")
            return nil
        }
        return address
    }

    private func limits(_ node: ConfigurationNode) -> GatewayLimits {
        var limits = GatewayLimits()
        guard let fields = parts("limits", node) else { return limits }
        limits.connections = fields.integer("connections", in: 1...1_000_000) ?? limits.connections
        return limits
    }

    private func responses(_ node: ConfigurationNode) -> ResponseStoreSettings {
        var settings = ResponseStoreSettings()
        guard let fields = reader(node, "gateway.responses", ["store", "keep", "size", "entry"]) else {
            return settings
        }
        if let keep = fields.duration("keep") { settings.keepMilliseconds = Int64(keep) }
        settings.bytes = fields.size("size", in: 1_048_576...1_099_511_627_776) ?? settings.bytes
        settings.entryBytes = fields.size("entry", in: 65_536...1_073_741_824) ?? settings.entryBytes
        if fields.flag("store") == false { settings.keepMilliseconds = 0 }
        return settings
    }

    private func timeouts(_ node: ConfigurationNode) -> GatewayTimeouts {
        var timeouts = GatewayTimeouts()
        guard let fields = parts("timeouts", node) else { return timeouts }
        timeouts.clientRead = fields.duration("client_read") ?? timeouts.clientRead
        timeouts.clientWrite = fields.duration("client_write") ?? timeouts.clientWrite
        timeouts.keepAlive = fields.duration("keep_alive") ?? timeouts.keepAlive
        timeouts.heartbeat = fields.duration("heartbeat") ?? timeouts.heartbeat
        return timeouts
    }

    private func parts(_ section: String, _ node: ConfigurationNode) -> MappingReader? {
        let shared = PolicySettings.members.filter { $0.section.first == section }.map(\.name)
        return reader(node, "gateway.\(section)", shared + (Self.gatewayParts[section] ?? []))
    }

    private func drain(_ node: ConfigurationNode) -> GatewayDrain {
        var drain = GatewayDrain()
        guard let fields = reader(node, "gateway.drain", ["delay", "deadline"]) else { return drain }
        drain.delay = fields.duration("delay", mayBeZero: true) ?? drain.delay
        drain.deadline = fields.duration("deadline", mayBeZero: true) ?? drain.deadline
        return drain
    }

    private func admin(_ node: ConfigurationNode) -> AdminConfiguration {
        var admin = AdminConfiguration()
        guard let fields = reader(node, "admin", ["listen", "token"]) else { return admin }
        admin.listen = listen(fields) ?? admin.listen
        if let token = fields.text("token").map(Secret.init) {
            fields.check { () throws(ValidationError) in try Validation.adminToken(token, field: "token") }
            admin.token = token
        }
        return admin
    }

    private func egress(_ node: ConfigurationNode) -> EgressConfiguration {
        guard let fields = reader(node, "egress", ["allow"]) else { return EgressConfiguration() }
        let networks = fields.texts("allow") ?? []
        for (index, text) in networks.enumerated() {
            do throws(IPNetworkError) {
                _ = try IPNetwork(text)
            } catch {
                let field = "allow[\(index)]"
                problems.add(fields.node.place(of: field), "\(fields.path(of: field)): \(error.sentence)")
            }
        }
        return EgressConfiguration(allow: networks)
    }

    private func prices(_ document: MappingReader) -> [String: ModelPrice] {
        var prices: [String: ModelPrice] = [:]
        let allowed = ["input", "output", "cached_input", "cache_write", "per_request"]
        for member in document.entries("prices") {
            let path = "prices.\(member.key)"
            guard let fields = reader(member.value, path, allowed) else { continue }
            let range = 0.0...1_000_000.0
            var price = ModelPrice(
                perMillionInput: fields.number("input", in: range) ?? 0,
                output: fields.number("output", in: range) ?? 0,
                cachedInput: fields.number("cached_input", in: range),
                cacheWrite: fields.number("cache_write", in: range))
            price.perRequest = Money(dollars: fields.number("per_request", in: range) ?? 0)
            prices[member.key] = price
        }
        return prices
    }

    private func checkListeners(_ configuration: Configuration, _ document: MappingReader) {
        let gateway = configuration.gateway.listen
        guard gateway.port != 0, gateway == configuration.admin.listen else { return }
        problems.add(
            document.node.place(of: "admin.listen"),
            "admin.listen must differ from gateway.listen, which is \(gateway) too.")
    }
}
