extension SimulatedSite {
    /// The API key of the demonstration account, with the prefix `sk-`.
    package static let demonstrationKey = "sk-PatchbayDemonstrationKey000000000000000000000001"
    package static let demonstrationUsername = "demo"
    package static let demonstrationPassword = "demonstration"

    /// A newest-generation site with several models and one account with a balance of 25 dollars, at human pace.
    package static var demonstration: SimulatedSite {
        var site = SimulatedSite(era: .c)
        site.systemName = "Simulated New API"
        site.notice =
            "This site is simulated inside Patchbay. Its models make up their answers and its money is not real."
        site.pace = .human
        site.groups = [
            SimulatedGroup(name: "default", ratio: 1, description: "Default group"),
            SimulatedGroup(name: "vip", ratio: 0.8, description: "Twenty per cent off"),
        ]
        site.models = [
            SimulatedModel(
                "sim-mini", input: 0.15, output: 0.6, cachedInput: 0.075, description: "Small and quick",
                groups: ["default", "vip"]),
            SimulatedModel(
                "sim-large", input: 2.5, output: 10, cachedInput: 1.25, description: "The everyday model",
                groups: ["default", "vip"]),
            SimulatedModel(
                "sim-reasoner", input: 1.1, output: 4.4, cachedInput: 0.275, description: "Thinks before it answers",
                groups: ["default", "vip"]),
            SimulatedModel(
                "sim-chat-pro", input: 3, output: 15, cachedInput: 0.3, description: "Long and careful answers",
                groups: ["default"]),
            SimulatedModel("sim-fixed", perCall: 0.01, groups: ["default", "vip"]),
        ]
        site.checkin = .enabled(minimum: 1_000, maximum: 10_000)
        site.users = [
            SimulatedUser(
                id: 1, username: demonstrationUsername, password: demonstrationPassword, quota: 12_500_000,
                tokens: [SimulatedToken(id: 1, name: "patchbay", key: String(demonstrationKey.dropFirst(3)))])
        ]
        return site
    }
}
