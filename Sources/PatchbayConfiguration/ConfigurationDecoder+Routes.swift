import Crypto
import PatchbayCore

extension ConfigurationDecoder {
    func keys(_ document: MappingReader) -> [Key] {
        var keys: [Key] = []
        var names: Set<String> = []
        var digests: Set<KeyDigest> = []
        let items = document.list("keys")
        keys.reserveCapacity(items.count)
        names.reserveCapacity(items.count)
        digests.reserveCapacity(items.count)
        for (node, path) in items {
            guard let key = key(node, path) else { continue }
            if !names.insert(key.name).inserted {
                problems.add(node.place(of: "name"), "\(path).name is used by another key.")
            }
            if !digests.insert(key.digest).inserted {
                problems.add(node.place(of: "key"), "\(path).key is the same as that of another key.")
            }
            keys.append(key)
        }
        return keys
    }

    private static let keyMembers =
        ["name", "key", "models", "group", "enabled", "strict_conversion", "server_timing"] + keys(KeyLimits.members)

    private func key(_ node: ConfigurationNode, _ path: String) -> Key? {
        guard let fields = reader(node, path, Self.keyMembers) else { return nil }
        let name = fields.requiredText("name")
        let text = fields.requiredText("key").map(Secret.init)
        guard let name, let text else { return nil }
        fields.check { () throws(ValidationError) in try Validation.clientKey(text, field: "key") }
        var key = Key(
            name: name, digest: digest(of: text),
            displayPrefix: text.prefix(11), models: fields.texts("models") ?? ["*"],
            group: fields.text("group") ?? "default", enabled: fields.flag("enabled") ?? true, source: .file)
        key.strictConversion = fields.flag("strict_conversion") ?? false
        key.serverTiming = fields.flag("server_timing") ?? false
        read(KeyLimits.members, of: fields, into: &key.limits)
        let checked = key
        fields.check { () throws(ValidationError) in try Validation.key(checked) }
        return key
    }

    private func digest(of text: Secret) -> KeyDigest {
        var text = text.reveal()
        var hash = SHA256()
        text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        return hash.finalize().withUnsafeBytes { KeyDigest(rawBytes: $0) }
    }

    func routes(_ document: MappingReader, sites: [Site]) -> [Route] {
        var routes: [Route] = []
        var models: Set<String> = []
        for (node, path) in document.list("routes") {
            guard let route = route(node, path, sites) else { continue }
            if !models.insert(route.model).inserted {
                problems.add(node.place(of: "model"), "\(path).model has another route.")
            }
            routes.append(route)
        }
        return routes
    }

    private func route(_ node: ConfigurationNode, _ path: String, _ sites: [Site]) -> Route? {
        let allowed =
            ["model", "channels", "strict_conversion", "display_name"] + Self.keys(PolicySettings.members)
            + Self.keys(ConcurrencySettings.members) + Self.keys(ModelCapabilities.members)
        guard let fields = reader(node, path, allowed) else { return nil }
        let model = fields.requiredText("model")
        let items = fields.list("channels")
        if items.isEmpty { problems.add(fields.node.place(of: "channels"), "\(path).channels must name a channel.") }
        let channels = items.compactMap { channel($0.node, $0.path, sites) }
        guard let model else { return nil }
        var route = Route(model: model, channels: channels, source: .file)
        route.strictConversion = fields.flag("strict_conversion") ?? false
        read(PolicySettings.members, of: fields, into: &route.policy)
        read(ConcurrencySettings.members, of: fields, into: &route.concurrency)
        read(ModelCapabilities.members, of: fields, into: &route.capabilities)
        route.displayName = fields.text("display_name")
        var checked = route
        checked.channels = []
        fields.check { [checked] () throws(ValidationError) in try Validation.route(checked) }
        return route
    }

    private func channel(_ node: ConfigurationNode, _ path: String, _ sites: [Site]) -> ChannelReference? {
        let allowed = ["site", "account", "token", "model", "priority", "weight"]
        guard let fields = reader(node, path, allowed), let site = fields.requiredText("site") else { return nil }
        let channel = ChannelReference(
            site: site, account: fields.text("account"), token: fields.text("token"),
            upstreamModel: fields.text("model"), priority: fields.integer("priority", in: Validation.priorities) ?? 0,
            weight: fields.integer("weight", in: Validation.weights) ?? 1)
        fields.check { () throws(ValidationError) in
            do throws(ValidationError) {
                try Validation.channel(channel, field: "")
            } catch {
                throw ValidationError(field: String(error.field.dropFirst()), rule: error.rule)
            }
        }
        checkReference(channel, fields, sites)
        return channel
    }

    private func checkReference(_ channel: ChannelReference, _ fields: MappingReader, _ sites: [Site]) {
        func missing(_ field: String, _ noun: String, _ name: String, _ others: [String]) {
            let hint = Spelling.nearest(to: name, among: others).map { "; did you mean \"\($0)\"?" } ?? "."
            problems.add(fields.node.place(of: field), "\(fields.path(of: field)) names no \(noun)\(hint)")
        }
        guard let site = sites.first(where: { $0.name == channel.site }) else {
            return missing("site", "site of this file", channel.site, sites.map(\.name))
        }
        guard let name = channel.account else { return }
        guard let account = site.accounts.first(where: { $0.name == name }) else {
            return missing("account", "account of that site", name, site.accounts.map(\.name))
        }
        guard let token = channel.token, !account.tokens.contains(where: { $0.name == token }) else { return }
        missing("token", "token of that account", token, account.tokens.map(\.name))
    }
}
