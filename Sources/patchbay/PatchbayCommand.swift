import ArgumentParser

@main
struct PatchbayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patchbay",
        abstract: "One endpoint for every AI upstream.",
        version: Version.text,
        subcommands: [ServeCommand.self, CheckConfigurationCommand.self, PluginCommand.self])
}

/// The version of the program.
enum Version {
    static let text = "0.1.0"
}
