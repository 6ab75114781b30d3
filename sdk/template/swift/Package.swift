// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "platform-example",
    products: [
        // The name of the product is the name of the file: libplatform-example.so.
        .library(name: "platform-example", type: .dynamic, targets: ["PlatformExample"])
    ],
    dependencies: [
        // In a repository of your own: .package(url: "https://…/patchbay", from: "1.0.0")
        .package(name: "patchbay", path: "../../..")
    ],
    targets: [
        .target(
            name: "PlatformExample",
            dependencies: [.product(name: "PatchbayPlugin", package: "patchbay")],
            exclude: ["plugin.json"],
            linkerSettings: [
                // Exports the entry function alone, so that nothing in this file meets its namesake in another one.
                .unsafeFlags([
                    "-Xlinker", "--version-script=\(Context.packageDirectory)/plugin.map", "-Xlinker", "-z", "-Xlinker",
                    "nodelete",
                ])
            ],
            plugins: [.plugin(name: "PatchbayPluginBuild", package: "patchbay")])
    ]
)
