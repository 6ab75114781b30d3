import PatchbayCore

/// The shape of a site's `conversion` object.
enum ConversionSchema {
    private static let traits = [
        Field(
            "streaming", .choice(ConversionSetting.Streaming.allCases.map(\.rawValue)),
            "How the upstream can answer: as asked, with streams only, or with documents only; `either` unless given."),
        Field("profile", .document, "Capability profile, as the plugin kit describes it."),
        Field(
            "drop", .array(.string(1...Validation.longestName)),
            "Members of request bodies that the upstream refuses and that are left out."),
    ]

    static let site = Record(
        "Conversion", "What conversions have to know of the models of a site.",
        traits + [
            Field(
                "models", .array(.record(model)), "For some models; the first that matches is laid over the rest.")
        ])

    private static let model = Record(
        "ModelConversion", "What conversions have to know of some models.",
        [Field("model", Shared.modelName, required: true, "The upstream's name, exact or with '*'.")] + traits)
}
