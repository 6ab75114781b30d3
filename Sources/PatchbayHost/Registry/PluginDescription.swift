package import PatchbayCore
internal import Synchronization

/// Whether a file serves.
package enum PluginState: Sendable, Hashable {
    case loaded
    case refused(PluginRefusal)
    /// Loaded, but no new instances are made; the sentence says why.
    case quarantined(String)
}

/// A plugin file as the admin API and the command line show it.
package struct PluginDescription: Sendable, Hashable {
    /// What has happened since the image was loaded.
    package struct Counters: Sendable, Hashable {
        package var instances = 0
        package var calls = 0
        package var pendingCalls = 0
        package var refusedCalls = 0
        package var timeouts = 0
        package var lateCompletions = 0
        package var doubleCompletions = 0
    }

    /// nil if the file was refused before its manifest could be read.
    package var id: String?
    package var version: String?
    package var name: String?
    package var kinds: [PluginKind] = []
    package var license: String?
    package var description: String?
    package var file: String
    package var sha256: String?
    /// `major.minor` of the header it was compiled with; nil unless it was loaded.
    package var abi: String?
    package var toolchain: String?
    package var generation: Int?
    package var state: PluginState
    /// Why the file's newer content is not used although an older one is loaded.
    package var rejectedUpdate: PluginRefusal?
    package var formats: [PluginManifest.Format] = []
    package var speaks: [WireFormat] = []
    package var operations: [PluginManifest.Operation] = []
    package var credentials: [PluginManifest.CredentialKind] = []
    package var permissions: [String] = []
    /// JSON Schema of the configuration, as JSON text.
    package var configurationSchema: [UInt8]?
    package var counters = Counters()

    init(file: String, sha256: String?, refusal: PluginRefusal, manifest: PluginManifest?) {
        self.file = file
        self.sha256 = sha256
        state = .refused(refusal)
        if let manifest { describe(manifest) }
    }

    init(_ plugin: LoadedPlugin, state: PluginState, rejectedUpdate: PluginRefusal?) {
        file = plugin.file
        sha256 = plugin.sha256
        self.state = state
        self.rejectedUpdate = rejectedUpdate
        abi = "1.\(plugin.module.abiMinor)"
        toolchain = plugin.module.toolchain.isEmpty ? nil : plugin.module.toolchain
        generation = plugin.generation
        describe(plugin.manifest)
        let statistics = plugin.statistics
        counters = Counters(
            instances: statistics.instances.load(ordering: .relaxed), calls: statistics.calls.load(ordering: .relaxed),
            pendingCalls: statistics.pending.load(ordering: .relaxed),
            refusedCalls: statistics.refusedCalls.load(ordering: .relaxed),
            timeouts: statistics.timeouts.load(ordering: .relaxed),
            lateCompletions: statistics.lateCompletions.load(ordering: .relaxed),
            doubleCompletions: statistics.doubleCompletions.load(ordering: .relaxed))
    }

    private mutating func describe(_ manifest: PluginManifest) {
        id = manifest.id
        version = manifest.version
        name = manifest.name
        kinds = manifest.kinds.sorted { $0.rawValue < $1.rawValue }
        license = manifest.license
        description = manifest.description
        formats = manifest.formats
        speaks = manifest.speaks
        operations = manifest.operations
        credentials = manifest.credentials
        permissions = manifest.permissions
        configurationSchema = manifest.configurationSchema
    }
}
