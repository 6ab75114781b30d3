import PatchbayCore
import PatchbayStore

extension Configuration {
    /// The configuration in force: what the file declares, and of what the store holds everything that the file does
    /// not declare under the same name.
    func merging(_ stored: StoredDefinitions) -> Configuration {
        var merged = self
        merged.sites.add(stored.sites, by: \.name)
        merged.keys.add(stored.keys, by: \.name)
        merged.groups.add(stored.groups, by: \.name)
        merged.routes.add(stored.routes, by: \.model)
        return merged
    }

    /// The configuration with the sites, keys, networks and prices of another one behind its own.
    func adding(_ other: Configuration) -> Configuration {
        var sum = self
        sum.sites.add(other.sites, by: \.name)
        sum.keys.add(other.keys, by: \.name)
        sum.egress.allow += other.egress.allow
        sum.prices.merge(other.prices) { own, _ in own }
        return sum
    }
}

extension Array {
    /// Adds those whose name is not taken.
    fileprivate mutating func add(_ others: [Element], by name: (Element) -> String) {
        guard !others.isEmpty else { return }
        let taken = Set(map(name))
        self += others.filter { !taken.contains(name($0)) }
    }
}
