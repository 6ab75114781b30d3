// swift-tools-version: 6.2
import PackageDescription

// Two plugins for an API that the gateway knows nothing about: its wire format, and the platform that says where it is
// and who may use it. Both need PatchbayPlugin alone.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

let linkerSettings: [LinkerSetting] = [
    // Exports the entry function alone, so that nothing in this file meets its namesake in another one.
    .unsafeFlags([
        "-Xlinker", "--version-script=\(Context.packageDirectory)/plugin.map", "-Xlinker", "-z", "-Xlinker", "nodelete",
    ])
]

func plugin(_ name: String) -> Target {
    .target(
        name: name, dependencies: [.product(name: "PatchbayPlugin", package: "patchbay")], exclude: ["plugin.json"],
        swiftSettings: settings, linkerSettings: linkerSettings,
        plugins: [.plugin(name: "PatchbayPluginBuild", package: "patchbay")])
}

let package = Package(
    name: "cohere",
    products: [
        .library(name: "format-cohere-chat", type: .dynamic, targets: ["FormatCohereChat"]),
        .library(name: "platform-cohere", type: .dynamic, targets: ["PlatformCohere"]),
    ],
    dependencies: [.package(name: "patchbay", path: "../../..")],
    targets: [plugin("FormatCohereChat"), plugin("PlatformCohere")])
