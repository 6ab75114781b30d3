package import PatchbayPlugin
import PatchbayWire

/// Something that could not be carried over.
package struct ConversionLoss: Sendable, Hashable {
    package var severity: LossSeverity
    /// A short stable word such as `sampling.top_k`.
    package var code: String
    /// A JSON pointer into the source document.
    package var path: String
}

/// What a conversion needs besides the document, and the losses it met.
package struct ConversionContext: Sendable {
    package var stream = false
    package var strict = false
    /// Only what accounting needs is wanted of a decoder.
    package var tap = false
    /// The name the client used.
    package var requestedModel = ""
    /// The name the upstream uses.
    package var upstreamModel = ""
    package var dialect: String?
    /// Unique per request; the base of every id that is minted.
    package var requestID = ""
    /// Seconds since 1970.
    package var created = 0
    package var profile = CapabilityProfile()
    /// What an answer needs to know of its request.
    package var request = RequestFacts()
    /// The request without its turns, for formats whose answers repeat it.
    package var echo: CanonicalRequest?
    package private(set) var losses: [ConversionLoss] = []

    package init() {}

    /// Reads what a function of the codec interface was handed.
    package init(_ parameters: ConversionParameters) {
        stream = parameters.isStream
        strict = parameters.isStrict
        tap = parameters.isTap
        requestedModel = parameters.requestedModel.string
        upstreamModel = parameters.upstreamModel.string
        dialect = parameters.dialect.optionalString
        requestID = parameters.requestID.string
        created = Int(clamping: parameters.createdSeconds)
        if !parameters.profileJSON.isEmpty, let profile = try? JSONValue(parsing: parameters.profileJSON.raw) {
            self.profile = CapabilityProfile(profile)
        }
        if !parameters.requestJSON.isEmpty { request = RequestFacts(parsing: parameters.requestJSON.raw) }
    }

    /// The same for a format whose answers repeat their request.
    package init(echoing parameters: ConversionParameters) {
        self.init(parameters)
        if !parameters.requestJSON.isEmpty { echo = CanonicalRequest(withoutTurns: parameters.requestJSON.raw) }
    }

    /// Records a loss.
    package mutating func lose(_ severity: LossSeverity, _ code: String, at path: @autoclosure () -> String) {
        losses.append(ConversionLoss(severity: severity, code: code, path: path()))
    }

    /// The model to name in an answer: the one the client asked for.
    package func answerModel(_ upstream: String) -> String {
        requestedModel.isEmpty ? upstream : requestedModel
    }
}
