package import PatchbayCore
internal import PatchbayWire

/// What a plugin is for.
package enum PluginKind: String, Sendable, Hashable, CaseIterable {
    case platform
    case format
    case notifier
}

/// How the frames of a streamed answer are separated.
package enum StreamFraming: String, Sendable, Hashable, CaseIterable {
    case sse
    case ndjson
    case jsonArray = "json-array"
    case raw
}

/// What an image says about itself (`plugin.json`), readable without running it. Unknown members are ignored.
package struct PluginManifest: Sendable, Hashable {
    package struct Format: Sendable, Hashable {
        package var id: WireFormat
        package var framing: StreamFraming
        /// What can be asked in the format and converted to and from it; names the host does not know are left out.
        package var operations: Set<RequestOperation>
        /// Paths of the gateway where clients of the format send their requests, beside those the gateway knows itself.
        package var paths: [String]
    }

    /// A kind of credential and the names that a person has to fill in for it.
    package struct CredentialKind: Sendable, Hashable {
        package var kind: String
        package var secrets: [String]
        package var fields: [String]
    }

    package struct Operation: Sendable, Hashable {
        package enum Mode: String, Sendable, Hashable, CaseIterable {
            /// The call returns soon and is completed later.
            case async
            /// The call may block its thread until the deadline.
            case blocking
        }

        package var name: String
        package var mode: Mode
        /// Milliseconds; nil = the host's default.
        package var timeout: Int?
    }

    /// Lower-case letters, digits and hyphens, at most 64 bytes.
    package var id: String
    package var version: String
    package var name: String
    package var kinds: Set<PluginKind>
    package var license: String?
    package var description: String?
    /// Wire formats of a format plugin.
    package var formats: [Format]
    /// Wire formats that sites of this platform speak unless they say otherwise.
    package var speaks: [WireFormat]
    /// JSON Schema of the configuration of an instance, as JSON text; nil = it takes none.
    package var configurationSchema: [UInt8]?
    package var credentials: [CredentialKind]
    package var operations: [Operation]
    package var permissions: [String]

    /// Permission to read the text of a secret.
    package var mayRevealSecrets: Bool { permissions.contains("secrets.reveal") }

    /// Origins besides the site's own that `prepare` may send to (`net:https://…`).
    package var origins: [String] {
        permissions.compactMap { $0.hasPrefix("net:") ? String($0.dropFirst(4)) : nil }
    }

    package func operation(named name: String) -> Operation? {
        operations.first { $0.name == name }
    }

    /// - Throws: ``PluginRefusal`` with code `manifestInvalid` and a sentence that names the member and the rule.
    package init(parsing bytes: [UInt8]) throws(PluginRefusal) {
        let root: JSONValue
        do {
            root = try JSONValue(parsing: bytes)
        } catch {
            throw PluginRefusal(.manifestInvalid, "The manifest is not JSON: \(error.message)")
        }
        let reader = try ManifestReader(root)
        id = try reader.identifier("id")
        version = try reader.text("version")
        name = try reader.optionalText("name") ?? id
        kinds = Set(try reader.names("kinds", of: PluginKind.self))
        guard !kinds.isEmpty else { throw ManifestReader.invalid("kinds", "must name at least one kind") }
        license = try reader.optionalText("license")
        description = try reader.optionalText("description")
        speaks = try reader.texts("speaks").map(WireFormat.init(rawValue:))
        permissions = try reader.texts("permissions")
        formats = try reader.objects("formats") { (format) throws(PluginRefusal) in
            let operations = try format.texts("operations")
            return Format(
                id: WireFormat(rawValue: try format.text("id")), framing: try format.name("framing") ?? .sse,
                operations: operations.isEmpty
                    ? [.generate] : Set(operations.compactMap(RequestOperation.init(name:))),
                paths: try format.texts("paths").filter { $0.hasPrefix("/") })
        }
        credentials = try reader.objects("credentials") { (credential) throws(PluginRefusal) in
            CredentialKind(
                kind: try credential.text("kind"), secrets: try credential.texts("secrets"),
                fields: try credential.texts("fields"))
        }
        operations = try reader.objects("operations") { (operation) throws(PluginRefusal) in
            Operation(
                name: try operation.text("name"), mode: try operation.name("mode") ?? .async,
                timeout: try operation.positiveInteger("timeout_ms"))
        }
        configurationSchema = try reader.object("config")?.serialised()
    }
}
