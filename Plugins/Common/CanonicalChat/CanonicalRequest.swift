package import PatchbayWire

/// A conversation request in the model that all wire formats share (`sdk/canonical.md`, canon 1).
///
/// Typed fields hold what formats have in common. Whatever a format says beyond that stays in `native`,
/// which only an encoder of the same format writes back.
package struct CanonicalRequest: Sendable, Hashable {
    package var origin = CanonicalOrigin()
    /// The model as the client named it.
    package var model = ""
    package var stream = CanonicalStreamOptions()
    /// Instructions before the first turn, in order.
    package var system: [CanonicalTurn] = []
    package var turns: [CanonicalTurn] = []
    package var tools: [CanonicalTool] = []
    package var toolChoice: CanonicalToolChoice?
    /// False if the client wants at most one tool call per answer.
    package var parallelTools: Bool?
    package var output = CanonicalOutput()
    package var limits = CanonicalLimits()
    /// Numbers that steer sampling, with their lexemes, under the names of `CanonicalSampling`.
    package var sampling = CanonicalSampling()
    package var reasoning = CanonicalReasoningRequest()
    package var endUser: String?
    package var metadata: JSONValue?
    package var serviceTier: String?
    package var native: CanonicalNative?

    package init() {}
}

/// Which wire format and dialect of it a document came from.
package struct CanonicalOrigin: Sendable, Hashable {
    package var format = ""
    package var dialect: String?

    package init(format: String = "", dialect: String? = nil) {
        self.format = format
        self.dialect = dialect
    }
}

/// What the client said about streaming.
package struct CanonicalStreamOptions: Sendable, Hashable {
    package var on = false
    package var includeUsage: Bool?

    package init() {}
}

/// The bound on the length of the answer.
package struct CanonicalLimits: Sendable, Hashable {
    package var maxOutput: Int?
    /// The key the client used, so that an encoder of the same format uses it again.
    package var source: String?

    package init() {}
}

/// Sampling parameters. Values keep the lexeme that the client wrote.
package struct CanonicalSampling: Sendable, Hashable {
    /// Members that need no more than a name; the first eight exist in most formats.
    package static let names = [
        "temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n",
        "logprobs", "top_logprobs", "min_p", "repetition_penalty",
    ]

    package var values = JSONObject()
    package var stop: [String] = []

    package init() {}

    package subscript(name: String) -> JSONValue? {
        values[name]
    }
}

/// What a format says beyond the shared model.
package struct CanonicalNative: Sendable, Hashable {
    package var format: String
    package var members: JSONObject

    package init(format: String, members: JSONObject = JSONObject()) {
        self.format = format
        self.members = members
    }

    package subscript(name: String) -> JSONValue? {
        members[name]
    }
}

/// How the answer should look.
package struct CanonicalOutput: Sendable, Hashable {
    package enum FormatKind: String, Sendable, Hashable {
        case text, json
        case jsonSchema = "json_schema"
    }

    package struct Format: Sendable, Hashable {
        package var kind: FormatKind
        package var name: String?
        package var description: String?
        package var schema: JSONValue?
        package var strict: Bool?

        package init(kind: FormatKind) {
            self.kind = kind
        }
    }

    package var format: Format?
    package var verbosity: String?
    package var modalities: [String] = []
    package var audio: JSONValue?

    package init() {}
}

/// What the client asked of the model's reasoning.
package struct CanonicalReasoningRequest: Sendable, Hashable {
    package enum Mode: String, Sendable, Hashable {
        case off, on, adaptive
        case betweenTools = "between_tools"
    }

    /// Absent: the client said nothing, or only an effort.
    package var mode: Mode?
    /// none, minimal, low, medium, high, xhigh or max.
    package var effort: String?
    /// Tokens.
    package var budget: Int?
    /// none, summary or full.
    package var expose: String?

    package init() {}

    package var isEmpty: Bool { mode == nil && effort == nil && budget == nil && expose == nil }
}
