package import PatchbayWire

/// A tool that the model may call.
package struct CanonicalTool: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case function, custom
        /// Run by the provider; `config` holds the wire value of the origin's format.
        case server
    }

    package var kind: Kind
    package var name: String
    package var description: String?
    /// JSON schema of the arguments.
    package var schema: JSONValue?
    package var strict: Bool?
    /// Format of a custom tool's text.
    package var grammar: JSONValue?
    package var config: JSONValue?
    package var cache: CanonicalCache?
    package var native: CanonicalNative?

    package init(_ kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }
}

/// Which tools the model may or must call.
package struct CanonicalToolChoice: Sendable, Hashable {
    package enum Mode: String, Sendable, Hashable {
        case auto, none, required, named, allowed
    }

    package var mode: Mode
    package var names: [String]
    package var kind: CanonicalTool.Kind
    /// For `allowed`: true if one of the names must be called.
    package var required: Bool

    package init(_ mode: Mode, names: [String] = [], kind: CanonicalTool.Kind = .function, required: Bool = false) {
        self.mode = mode
        self.names = names
        self.kind = kind
        self.required = required
    }
}
