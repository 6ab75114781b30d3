import PatchbayCore
import PatchbayStore

extension Configuration {
    /// The configuration in force: what the file declares, and of what the store holds everything that the file does
    /// not declare under the same name.
    func merging(_ stored: StoredDefinitions) -> Configuration {
        var merged = self
        let siteNames = Set(sites.map(\.name))
        merged.sites += stored.sites.filter { !siteNames.contains($0.name) }
        let keyNames = Set(keys.map(\.name))
        merged.keys += stored.keys.filter { !keyNames.contains($0.name) }
        let groupNames = Set(groups.map(\.name))
        merged.groups += stored.groups.filter { !groupNames.contains($0.name) }
        let models = Set(routes.map(\.model))
        merged.routes += stored.routes.filter { !models.contains($0.model) }
        return merged
    }
}
