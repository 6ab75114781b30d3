import PatchbayCore

/// Settings that may stand in several places are read by their list of members.
extension ConfigurationDecoder {
    /// The keys that a mapping with such settings takes, each once.
    static func keys<Settings>(_ members: [SettingMember<Settings>]) -> [String] {
        var keys: [String] = []
        for member in members {
            let key = member.section.first ?? member.name
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    /// Reads what is set in a mapping; everything else stays as it is.
    ///
    /// - Parameter others: further keys of a section, which somebody else reads.
    func read<Settings>(
        _ members: [SettingMember<Settings>], of fields: MappingReader, into settings: inout Settings,
        others: [String: [String]] = [:], depth: Int = 0
    ) {
        var sections: [String] = []
        for member in members {
            guard member.section.count > depth else {
                if let value = value(of: member, in: fields) { settings[keyPath: member.path] = value }
                continue
            }
            if !sections.contains(member.section[depth]) { sections.append(member.section[depth]) }
        }
        for section in sections {
            guard let node = fields.member(section) else { continue }
            let inner = members.filter { $0.section.count > depth && $0.section[depth] == section }
            let allowed = Self.keys(at: depth + 1, inner) + (others[section] ?? [])
            guard let reader = reader(node, fields.path(of: section), allowed) else { continue }
            read(inner, of: reader, into: &settings, depth: depth + 1)
        }
    }

    private static func keys<Settings>(at depth: Int, _ members: [SettingMember<Settings>]) -> [String] {
        var keys: [String] = []
        for member in members {
            let key = member.section.count > depth ? member.section[depth] : member.name
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    private func value<Settings>(of member: SettingMember<Settings>, in fields: MappingReader) -> Int? {
        switch member.unit {
        case .duration: fields.duration(member.name, mayBeZero: member.range.lowerBound == 0)
        case .size: fields.size(member.name, in: member.range)
        case .count: fields.integer(member.name, in: member.range)
        case .truth: fields.flag(member.name).map { $0 ? 1 : 0 }
        }
    }

    /// What holds where neither a site nor a route says otherwise: the top level, and nearer than it the gateway.
    func globalSettings(_ document: MappingReader, into configuration: inout Configuration) {
        var outer = PolicySettings()
        read(PolicySettings.members, of: document, into: &outer)
        read(ConcurrencySettings.members, of: document, into: &configuration.concurrency)
        read(PoolSettings.members, of: document, into: &configuration.pool)
        var nearer = PolicySettings()
        if let node = document.member("gateway"), let fields = reader(node, "gateway", Self.gatewayKeys) {
            read(PolicySettings.members, of: fields, into: &nearer, others: Self.gatewayParts)
            read(PoolSettings.members, of: fields, into: &configuration.pool)
        }
        configuration.policy = RequestPolicy().overlaid(by: outer).overlaid(by: nearer)
    }

    /// Keys of `gateway`.
    static let gatewayKeys =
        ["listen", "event_loops", "max_hops", "drain", "responses", "files", "behind_cdn"]
        + keys(PolicySettings.members) + keys(PoolSettings.members)
    /// What sections of `gateway` hold besides the settings that sites and routes have too.
    static let gatewayParts = [
        "limits": ["connections"], "timeouts": ["client_read", "client_write", "keep_alive", "heartbeat"],
    ]

    // MARK: - Files

    func files(_ node: ConfigurationNode) -> FileStoreSettings {
        var settings = FileStoreSettings()
        let keys = ["store", "keep", "size", "key_size", "key_count"]
        guard let fields = reader(node, "gateway.files", keys) else { return settings }
        settings.isOn = fields.flag("store") ?? settings.isOn
        if let keep = fields.duration("keep", longest: 31_536_000_000) { settings.keepMilliseconds = Int64(keep) }
        settings.fileBytes = fields.size("size", in: 1_024...1_073_741_824) ?? settings.fileBytes
        settings.keyBytes = fields.size("key_size", in: 1_024...1_099_511_627_776) ?? settings.keyBytes
        settings.keyCount = fields.integer("key_count", in: 1...1_000_000) ?? settings.keyCount
        return settings
    }

    // MARK: - Groups

    func groups(_ document: MappingReader) -> [KeyGroup] {
        var groups: [KeyGroup] = []
        for (node, path) in document.list("groups") {
            let allowed = ["name"] + Self.keys(KeyLimits.members)
            guard let fields = reader(node, path, allowed), let name = fields.requiredText("name") else { continue }
            var group = KeyGroup(name: name, source: .file)
            read(KeyLimits.members, of: fields, into: &group.limits)
            fields.check { () throws(ValidationError) in try Validation.name(name, field: "name") }
            if groups.contains(where: { $0.name == name }) {
                problems.add(node.place(of: "name"), "\(path).name is used by another group.")
            }
            groups.append(group)
        }
        return groups
    }
}
