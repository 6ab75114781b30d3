import PatchbayHost

extension PluginRegistry {
    /// The plugin that `platform:` of a site names: the id itself, or the short form without `platform-` that in-tree
    /// plugins are known by (`openai` for `platform-openai`).
    func platformPlugin(named name: String) -> String {
        generation(of: name) == nil && generation(of: "platform-\(name)") != nil ? "platform-\(name)" : name
    }
}
