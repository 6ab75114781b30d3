import ArgumentParser
import PatchbayCore

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Start the gateway and the admin API.",
        discussion: """
            Every option can be given in the environment as well: PATCHBAY_CONFIG, PATCHBAY_DATA, PATCHBAY_LISTEN, \
            PATCHBAY_ADMIN_LISTEN, PATCHBAY_PLUGINS. Without a configuration file and with an empty store it brings a \
            simulated site of its own.
            """)

    @Option(help: "The configuration file (YAML).")
    var config: String?

    @Option(help: "The directory for the store, the ledger and the sealing key.")
    var data: String?

    @Option(help: "Address of the gateway, HOST:PORT. Port 0 lets the system choose.")
    var listen: String?

    @Option(help: "Address of the admin API, HOST:PORT.")
    var adminListen: String?

    @Option(help: "Directories with plugins, separated by colons.")
    var plugins: String?

    func run() async throws {
        var options = ServeOptions()
        options.configurationPath = config ?? Environment.value("PATCHBAY_CONFIG")
        options.dataDirectory = data ?? Environment.value("PATCHBAY_DATA") ?? "patchbay-data"
        options.listen = try address(listen ?? Environment.value("PATCHBAY_LISTEN"), option: "--listen")
        options.adminListen = try address(
            adminListen ?? Environment.value("PATCHBAY_ADMIN_LISTEN"), option: "--admin-listen")
        if let plugins = plugins ?? Environment.value("PATCHBAY_PLUGINS") {
            options.pluginDirectories = plugins.split(separator: ":").map(String.init)
        }
        do {
            if case .cutOff = try await Server(options: options).run() { throw ExitCode(Self.statusOfCutOff) }
        } catch let error as StartError {
            throw ValidationFailure.print(error.sentence)
        }
    }

    /// The exit status when requests were cut off while the gateway drained.
    private static let statusOfCutOff: Int32 = 3

    private func address(_ text: String?, option: String) throws -> ListenAddress? {
        guard let text else { return nil }
        guard let address = ListenAddress(text) else {
            throw ValidationError("\(option) has to be HOST:PORT, not \"\(text)\"")
        }
        return address
    }
}

/// The options of `serve` after the environment has been read.
struct ServeOptions: Sendable {
    var configurationPath: String?
    var dataDirectory = "patchbay-data"
    var listen: ListenAddress?
    var adminListen: ListenAddress?
    /// nil = the default places.
    var pluginDirectories: [String]?
}

/// Why the program cannot start, in one sentence.
struct StartError: Error {
    var sentence: String
}

/// Ends a command with a sentence on standard error and status 1.
enum ValidationFailure {
    static func print(_ sentence: String) -> ExitCode {
        StandardError.write(sentence)
        return ExitCode(1)
    }
}
