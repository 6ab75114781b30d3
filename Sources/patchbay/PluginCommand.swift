import ArgumentParser
import Logging
import PatchbayCore
import PatchbayHost

struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Look at plugins and call them.",
        subcommands: [ListPlugins.self, InspectPlugin.self, CallPlugin.self, ConversionsCommand.self])
}

/// Where the plugin commands look.
struct PluginOptions: ParsableArguments {
    @Option(help: "Directories with plugins, separated by colons.")
    var plugins: String?

    /// A registry that has looked at every file once. Its log goes to standard error, problems only.
    ///
    /// - Returns: what `body` returns; the registry has been stopped and its files are gone by then.
    func withRegistry<Result>(
        egress: [String] = [], _ body: (PluginRegistry) async throws -> Result
    ) async throws -> Result {
        let directory = try RunDirectory.make()
        defer { RunDirectory.remove(directory) }
        let registry = try makeRegistry(runDirectory: directory, egress: egress)
        defer { registry.stop() }
        return try await body(registry)
    }

    private func makeRegistry(runDirectory: String, egress: [String]) throws -> PluginRegistry {
        let directories =
            (plugins ?? Environment.value("PATCHBAY_PLUGINS"))?.split(separator: ":").map(String.init)
            ?? Environment.defaultPluginDirectories
        var logger = Logger(label: "patchbay.plugins") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let registry = PluginRegistry(
            directories: directories, runDirectory: runDirectory,
            services: HostServices(
                version: Version.text, keyValues: MemoryKeyValueStore(), egress: try EgressPolicy(allow: egress)),
            logger: logger)
        registry.scan()
        return registry
    }
}

struct ListPlugins: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the plugins that are found, loaded or refused.")

    @OptionGroup var options: PluginOptions

    func run() async throws {
        let plugins = try await options.withRegistry { $0.plugins }
        for plugin in plugins {
            let kinds = plugin.kinds.map(\.rawValue).joined(separator: ",")
            let what = [
                plugin.id ?? "?", plugin.version ?? "-", kinds.isEmpty ? "-" : kinds, plugin.stateText, plugin.file,
            ]
            print(what.joined(separator: "\t"))
            if case .refused(let refusal) = plugin.state { print("\t\(refusal.sentence)") }
        }
    }
}

struct InspectPlugin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what a plugin file says of itself, without running its code.")

    @Argument(help: "The shared library.")
    var path: String

    func run() async throws {
        do {
            let summary = try PluginInspection(path: path)
            print(summary.text)
        } catch {
            throw ValidationFailure.print("\(path): \(error.sentence)")
        }
    }
}

struct CallPlugin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Run one operation of a plugin and print its result.",
        discussion: """
            ARGUMENTS is a JSON object. The credential of the account comes from the environment, so that it is not \
            seen in the list of processes: PATCHBAY_CREDENTIAL_KIND (default api_key) and PATCHBAY_SECRET_NAME for \
            each secret, such as PATCHBAY_SECRET_API_KEY.
            """)

    @OptionGroup var options: PluginOptions

    @Option(help: "The base URL of the site.")
    var baseURL: String?

    @Option(name: .customLong("configuration"), help: "The settings of the instance, a JSON object.")
    var settings = "{}"

    @Option(help: "A private network that may be called, in CIDR notation. Can be repeated.")
    var allow: [String] = []

    @Argument(help: "The plugin's id.")
    var id: String

    @Argument(help: "The operation, such as balance.")
    var operation: String

    @Argument(help: "The arguments, a JSON object.")
    var arguments = "{}"

    func run() async throws {
        let result = try await options.withRegistry(egress: allow) { registry in
            do throws(PluginError) {
                let instance = try registry.instance(
                    pluginID: registry.platformPlugin(named: id), configuration: settings, site: "command-line",
                    baseURL: baseURL ?? "")
                return try await instance.invoke(
                    operation, arguments: Array(arguments.utf8),
                    account: AccountContext(id: "command-line/account", credential: credential))
            } catch {
                throw ValidationFailure.print("\(error.code.name): \(error.sentence)")
            }
        }
        print(String(decoding: result, as: UTF8.self))
    }

    private var credential: Credential {
        var credential = Credential(kind: Environment.value("PATCHBAY_CREDENTIAL_KIND") ?? "api_key")
        for (name, value) in Environment.all {
            if name.hasPrefix("PATCHBAY_SECRET_") {
                credential.secrets[name.dropFirst("PATCHBAY_SECRET_".count).lowercased()] = Secret(value)
            } else if name.hasPrefix("PATCHBAY_FIELD_") {
                credential.fields[name.dropFirst("PATCHBAY_FIELD_".count).lowercased()] = value
            }
        }
        return credential
    }
}

extension PluginDescription {
    /// One word.
    var stateText: String {
        switch state {
        case .loaded: "loaded"
        case .refused: "refused"
        case .quarantined: "quarantined"
        }
    }
}
