package import PatchbayWire

/// One piece of a turn or of an answer.
package struct CanonicalPart: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        case text(String)
        case refusal(String)
        case reasoning(CanonicalReasoning)
        case media(CanonicalMedia)
        case toolCall(CanonicalToolCall)
        case toolResult(CanonicalToolResult)
        /// A part that the model does not cover: the wire value of the origin's format.
        case other(JSONValue)
    }

    package var content: Content
    package var cache: CanonicalCache?
    package var annotations: [JSONValue] = []
    package var native: CanonicalNative?

    package init(_ content: Content) {
        self.content = content
    }

    package static func text(_ text: String) -> CanonicalPart {
        CanonicalPart(.text(text))
    }

    /// The text of a plain text part that carries nothing else.
    package var plainText: String? {
        guard case .text(let text) = content, cache == nil, native == nil, annotations.isEmpty else { return nil }
        return text
    }
}

/// Reasoning of a model, with the state that only its provider can read.
package struct CanonicalReasoning: Sendable, Hashable {
    /// True if the provider hides the text altogether.
    package var redacted = false
    /// May be empty: some providers send the opaque state only.
    package var text = ""
    package var opaque: CanonicalOpaque?
    /// The name that its provider gave it, where it has one.
    package var id: String?

    package init(text: String = "", opaque: CanonicalOpaque? = nil, redacted: Bool = false) {
        self.text = text
        self.opaque = opaque
        self.redacted = redacted
    }
}

/// State that belongs to one provider and goes back to it byte for byte.
package struct CanonicalOpaque: Sendable, Hashable {
    /// signature, redacted, encrypted_content or thought_signature.
    package var kind: String
    /// The provider it is bound to, where known.
    package var provider: String?
    package var data: String

    package init(kind: String, provider: String?, data: String) {
        self.kind = kind
        self.provider = provider
        self.data = data
    }
}

/// An image, a recording, a film or a document.
package struct CanonicalMedia: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case image, audio, video, file
    }

    package enum Source: Sendable, Hashable {
        case base64(mime: String, data: String)
        case url(String)
        case fileID(String)
        case text(String)
        case parts([CanonicalPart])
    }

    package var kind: Kind
    package var source: Source
    /// Resolution hint of an image.
    package var detail: String?
    /// Codec of a recording.
    package var format: String?
    package var filename: String?
    package var context: String?
    package var citations: JSONValue?

    package init(_ kind: Kind, _ source: Source) {
        self.kind = kind
        self.source = source
    }
}

/// A call of a tool by the model.
package struct CanonicalToolCall: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case function, custom
    }

    package var id: String
    package var name: String
    package var kind: Kind
    /// The arguments as JSON text, exactly as written; for a custom tool its free text.
    package var arguments: String

    package init(id: String, name: String, arguments: String, kind: Kind = .function) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.kind = kind
    }
}

/// The answer of a tool.
package struct CanonicalToolResult: Sendable, Hashable {
    package var callID: String
    package var name: String?
    package var isError: Bool?
    package var content: [CanonicalPart]
    package var form: CanonicalTurn.Form?

    package init(callID: String, content: [CanonicalPart], form: CanonicalTurn.Form? = nil) {
        self.callID = callID
        self.content = content
        self.form = form
    }
}

/// A mark behind which the prompt may be cached, as the origin wrote it.
package struct CanonicalCache: Sendable, Hashable {
    /// anthropic (`cache_control`) or openai (`prompt_cache_breakpoint`).
    package var origin: String
    package var value: JSONValue

    package init(origin: String, value: JSONValue) {
        self.origin = origin
        self.value = value
    }
}
