import Foundation
import PackagePlugin

/// Turns the `plugin.json` of a target into its entry function and its manifest section.
@main
struct PatchbayPluginBuild: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let manifest = target.directoryURL.appending(path: "plugin.json")
        guard FileManager.default.fileExists(atPath: manifest.path(percentEncoded: false)) else {
            Diagnostics.error("The target \(target.name) has no plugin.json beside its sources.")
            return []
        }
        let module = (target as? any SourceModuleTarget)?.moduleName ?? target.name
        let output = context.pluginWorkDirectoryURL.appending(path: "PatchbayEntry.swift")
        return [
            .buildCommand(
                displayName: "Reading plugin.json of \(target.name)",
                executable: try context.tool(named: "patchbay-manifest-gen").url,
                arguments: [
                    "--module", module, "--output", output.path(percentEncoded: false),
                    manifest.path(percentEncoded: false),
                ],
                inputFiles: [manifest], outputFiles: [output])
        ]
    }
}
