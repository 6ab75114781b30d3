import PatchbayCore
import PatchbayRouting
import PatchbayWire

/// What conversions have to know of one model of a channel.
struct ModelTraits: Sendable {
    var streaming = ConversionSetting.Streaming.either
    /// Capability profile, JSON; empty = nothing is known.
    var profile: [UInt8] = []
    /// Members of bodies that are left out.
    var unwanted: [String] = []

    /// These traits where the longest answer of the model is known from elsewhere; what the profile says is nearer.
    func completed(maxOutput: Int) -> ModelTraits {
        let members = (try? JSONValue(parsing: profile))?.objectValue ?? JSONObject()
        guard members["max_output"] == nil else { return self }
        return overlaid(with: ["profile": ["max_output": .int(maxOutput)]])
    }

    /// These traits with what `object` says laid over them.
    func overlaid(with object: JSONValue) -> ModelTraits {
        var traits = self
        if let word = object["streaming"]?.stringValue, let streaming = ConversionSetting.Streaming(rawValue: word) {
            traits.streaming = streaming
        }
        if let names = object["drop"]?.arrayValue { traits.unwanted += names.compactMap(\.stringValue) }
        if let members = object["profile"]?.objectValue, !members.isEmpty {
            var merged = (try? JSONValue(parsing: profile))?.objectValue ?? JSONObject()
            for member in members { merged[member.key] = member.value }
            traits.profile = JSONValue.object(merged).serialised()
        }
        return traits
    }
}

/// The `conversion` object of a site, read once; see ``ConversionSetting``.
struct SiteConversion: Sendable {
    private var base: ModelTraits
    /// Nothing is known of any model.
    private(set) var isEmpty: Bool
    private var models: [(pattern: GlobPattern, traits: ModelTraits)]

    /// Members that are not as they should be count as absent; the configuration was checked when it was taken.
    init(_ text: String) {
        guard text != "{}", let object = try? JSONValue(parsing: text) else {
            base = ModelTraits()
            models = []
            isEmpty = true
            return
        }
        let base = ModelTraits().overlaid(with: object)
        self.base = base
        isEmpty = false
        models = (object["models"]?.arrayValue ?? []).compactMap { item in
            item["model"]?.stringValue.map { (GlobPattern($0), base.overlaid(with: item)) }
        }
    }

    /// The same for a channel whose site tells the longest answer of its model.
    func completed(maxOutput: Int) -> SiteConversion {
        var completed = self
        completed.isEmpty = false
        completed.base = base.completed(maxOutput: maxOutput)
        completed.models = models.map { ($0.pattern, $0.traits.completed(maxOutput: maxOutput)) }
        return completed
    }

    /// What is known of a model by the name that the upstream uses.
    func traits(of model: String) -> ModelTraits {
        models.isEmpty ? base : models.first { $0.pattern.matches(model) }?.traits ?? base
    }
}
