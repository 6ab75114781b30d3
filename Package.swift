// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "patchbay",
    products: [
        .executable(name: "patchbay", targets: ["patchbay"]),
        .library(name: "CPatchbay", targets: ["CPatchbay"]),
        .library(name: "PatchbayPlugin", targets: ["PatchbayPlugin"]),
        .plugin(name: "PatchbayPluginBuild", targets: ["PatchbayPluginBuild"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ]
)

// MARK: - Settings

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// For modules on the way of every request: optimised as one across modules in release builds, and without the checks
/// of exclusive access at run time, which debug builds and the sanitizers make.
let hot: [SwiftSetting] = [
    .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

/// A plugin exports its entry function and nothing else, and is never unmapped.
let pluginLinkerSettings: [LinkerSetting] = [
    .unsafeFlags([
        "-Xlinker", "--version-script=\(Context.packageDirectory)/sdk/plugin.map", "-Xlinker", "-z", "-Xlinker",
        "nodelete",
        "-Xlinker", "-z", "-Xlinker", "now",
    ]),
    // A plugin is read, hashed and copied whole before it is loaded.
    .unsafeFlags(["-Xlinker", "--strip-debug"], .when(configuration: .release)),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

// MARK: - Targets

@MainActor func module(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil, isHot: Bool = false
) {
    package.targets.append(
        .target(
            name: name, dependencies: dependencies, resources: resources, swiftSettings: isHot ? strict + hot : strict))
}

/// An in-tree plugin: a target under Plugins/ and the dynamic library `lib<product>.so` beside the executable.
@MainActor func plugin(_ module: String, product: String, _ dependencies: [Target.Dependency] = ["PatchbayWire"]) {
    package.targets.append(
        .target(
            name: module, dependencies: ["PatchbayPlugin"] + dependencies, path: "Plugins/\(module)",
            exclude: ["plugin.json"], swiftSettings: strict + hot, linkerSettings: pluginLinkerSettings,
            plugins: ["PatchbayPluginBuild"]))
    package.products.append(.library(name: product, type: .dynamic, targets: [module]))
}

@MainActor func tests(
    _ name: String, _ dependencies: [Target.Dependency], path: String? = nil, resources: [Resource]? = nil
) {
    package.targets.append(
        .testTarget(name: name, dependencies: dependencies, path: path, resources: resources, swiftSettings: strict))
}

// Layer 0: the C ABI and system libraries.
package.targets += [
    .target(
        name: "CPatchbay", path: "sdk",
        exclude: ["swift", "plugin.map", "abi", "README.md", "canonical.md", "template", "examples"],
        sources: ["c"], publicHeadersPath: "include"),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
]

// Layer 1: values, bytes, the Swift face of the ABI.
module("PatchbayCore", [], isHot: true)
module("PatchbayWire", [], isHot: true)
package.targets += [
    .target(
        name: "PatchbayPlugin", dependencies: ["CPatchbay"], path: "sdk/swift/PatchbayPlugin", swiftSettings: strict),
    .executableTarget(
        name: "patchbay-manifest-gen", path: "sdk/swift/patchbay-manifest-gen", swiftSettings: strict),
    .plugin(
        name: "PatchbayPluginBuild", capability: .buildTool(), dependencies: ["patchbay-manifest-gen"],
        path: "sdk/swift/PatchbayPluginBuild"),
]

// Layer 2.
module("PatchbayConfiguration", ["PatchbayCore", "CYAML", crypto])
module("PatchbayRouting", ["PatchbayCore"], isHot: true)
module("PatchbayHost", ["CPatchbay", "CCurl", "PatchbayCore", "PatchbayWire", crypto, logging], isHot: true)
module("PatchbayStore", ["PatchbayCore", "CSQLite", crypto, logging], resources: [.copy("Migrations")], isHot: true)
module(
    "PatchbayUpstream",
    [
        "PatchbayCore", "PatchbayWire", nioCore, nioPosix, nioSSL, .product(name: "NIOTLS", package: "swift-nio"),
    ], isHot: true)
module("PatchbayTelemetry", ["PatchbayCore", logging], isHot: true)

// Layer 3.
module(
    "PatchbayGateway",
    [
        "PatchbayCore", "PatchbayWire", "PatchbayRouting", "PatchbayHost", "PatchbayStore", "PatchbayUpstream",
        "PatchbayTelemetry", nioCore, nioPosix, crypto, logging,
    ], isHot: true)
module(
    "PatchbayAdmin",
    [
        "PatchbayCore", "PatchbayWire", "PatchbayRouting", hummingbird, crypto, logging,
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    ])
module("PatchbaySimulator", ["PatchbayCore", hummingbird, logging])

// Layer 4.
package.targets.append(
    .executableTarget(
        name: "patchbay",
        dependencies: [
            "PatchbayCore", "PatchbayConfiguration", "PatchbayRouting", "PatchbayHost", "PatchbayStore",
            "PatchbayUpstream",
            "PatchbayTelemetry", "PatchbayWire", "PatchbayGateway", "PatchbayAdmin", "PatchbaySimulator",
            argumentParser, logging,
        ], swiftSettings: strict))

// Plugins.
package.targets.append(
    .target(
        name: "CanonicalChat", dependencies: ["PatchbayPlugin", "PatchbayWire"], path: "Plugins/Common/CanonicalChat",
        swiftSettings: strict + hot))
plugin("FormatOpenAIChat", product: "format-openai-chat", ["PatchbayWire", "CanonicalChat"])
plugin("FormatOpenAIResponses", product: "format-openai-responses", ["PatchbayWire", "CanonicalChat"])
plugin("FormatAnthropicMessages", product: "format-anthropic-messages", ["PatchbayWire", "CanonicalChat"])
package.targets.append(
    .target(
        name: "CanonicalTask", dependencies: ["PatchbayPlugin", "PatchbayWire", "CanonicalChat"],
        path: "Plugins/Common/CanonicalTask", swiftSettings: strict + hot))
plugin("FormatOpenAICompletions", product: "format-openai-completions", ["PatchbayWire", "CanonicalChat"])
plugin("FormatOpenAIEmbeddings", product: "format-openai-embeddings", ["PatchbayWire", "CanonicalTask"])
plugin("FormatOpenAIImages", product: "format-openai-images", ["PatchbayWire", "CanonicalTask"])
plugin("FormatOpenAIAudio", product: "format-openai-audio", ["PatchbayWire", "CanonicalTask"])
plugin("FormatOpenAIModerations", product: "format-openai-moderations", ["PatchbayWire", "CanonicalTask"])
plugin("FormatRerank", product: "format-rerank", ["PatchbayWire", "CanonicalTask"])
plugin("FormatGemini", product: "format-gemini", ["PatchbayWire", "CanonicalChat"])
plugin("PlatformOpenAI", product: "platform-openai")
plugin("PlatformAnthropic", product: "platform-anthropic")
plugin("PlatformGemini", product: "platform-gemini")
plugin("PlatformNewAPI", product: "platform-new-api")
plugin("NotifyWebhook", product: "notify-webhook")
package.targets.append(
    .target(
        name: "PlatformOpenAIC", dependencies: ["CPatchbay"], path: "Plugins/PlatformOpenAIC", exclude: ["plugin.json"],
        linkerSettings: pluginLinkerSettings))
package.products.append(.library(name: "platform-openai-c", type: .dynamic, targets: ["PlatformOpenAIC"]))

// Tests.
tests("PatchbayCoreTests", ["PatchbayCore"])
tests("PatchbayWireTests", ["PatchbayWire", nioCore, nioHTTP1, .product(name: "NIOEmbedded", package: "swift-nio")])
tests("PatchbayConfigurationTests", ["PatchbayConfiguration", "PatchbayCore"])
tests("PatchbayRoutingTests", ["PatchbayRouting", "PatchbayCore"])
tests("PatchbayHostTests", ["PatchbayHost", "PatchbayCore", "PatchbayWire", "CPatchbay"])
tests("PatchbayStoreTests", ["PatchbayStore", "PatchbayCore"])
tests(
    "PatchbayUpstreamTests",
    [
        "PatchbayUpstream", "PatchbayCore", "PatchbayWire", nioCore, nioPosix, nioSSL,
        .product(name: "NIOEmbedded", package: "swift-nio"),
    ])
tests("PatchbayGatewayTests", ["PatchbayGateway", "PatchbayCore", nioCore, nioPosix])
tests("PatchbayTelemetryTests", ["PatchbayTelemetry", "PatchbayCore", logging])
tests(
    "PatchbayAdminTests", ["PatchbayAdmin", "PatchbayCore", "PatchbayRouting", "PatchbayWire", logging])
tests(
    "PluginTests",
    [
        "CPatchbay", "PatchbayPlugin", "PatchbayWire", "CanonicalChat", "FormatOpenAIChat", "FormatAnthropicMessages",
        "FormatOpenAIResponses", "FormatGemini", "FormatOpenAICompletions", "FormatOpenAIEmbeddings",
        "FormatOpenAIImages", "FormatOpenAIAudio", "FormatOpenAIModerations", "FormatRerank", "PlatformOpenAI",
        "PlatformAnthropic", "PlatformGemini",
        "PlatformNewAPI", "NotifyWebhook", "PatchbaySimulator", "PatchbayHost", "PatchbayCore",
    ])
