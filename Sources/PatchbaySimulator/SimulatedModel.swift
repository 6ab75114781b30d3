/// A model that the simulated site sells.
package struct SimulatedModel: Sendable {
    package var name: String
    package var owner: String
    package var description: String
    /// Price of an input token; 1 is two dollars per million tokens at the default quota per dollar.
    package var ratio: Double
    /// Price of an output token as a multiple of the input price.
    package var completionRatio: Double
    package var cacheRatio: Double?
    package var cacheWriteRatio: Double?
    /// US dollars per call; nil = charged by tokens.
    package var pricePerCall: Double?
    /// A pricing expression in tiers; shown in the price list, not evaluated here.
    package var tieredExpression: String?
    package var groups: [String]

    /// Thinks aloud before it answers.
    package var reasons: Bool { name.contains("reasoner") }

    /// - Parameters:
    ///   - input: US dollars per million input tokens at group ratio 1 and 500000 quota per dollar.
    ///   - output: US dollars per million output tokens.
    package init(
        _ name: String, input: Double, output: Double, cachedInput: Double? = nil, owner: String = "simulator",
        description: String = "", groups: [String] = ["default"]
    ) {
        self.name = name
        self.owner = owner
        self.description = description
        self.ratio = input / 2
        self.completionRatio = input == 0 ? 1 : output / input
        self.cacheRatio = cachedInput.map { input == 0 ? 1 : $0 / input }
        self.groups = groups
    }

    /// A model with one price for every call, in US dollars.
    package init(_ name: String, perCall price: Double, owner: String = "simulator", groups: [String] = ["default"]) {
        self.init(name, input: 0, output: 0, owner: owner, groups: groups)
        pricePerCall = price
    }
}
