import Foundation
import PatchbayCore
import PatchbayHost

/// The images that the build left beside the test program, in the real host.
enum BuiltImages {
    static let ids = [
        "format-anthropic-messages", "format-openai-chat", "format-openai-responses", "notify-webhook",
        "platform-anthropic", "platform-new-api", "platform-openai",
    ]

    /// Calls `body` with a registry that holds the built images.
    static func withRegistry(of ids: [String] = ids, _ body: (PluginRegistry) throws -> Void) throws {
        let registry = try registry(of: ids)
        defer { registry.stop() }
        try body(registry)
    }

    /// A registry that holds the built images. They are copied when they are loaded, so their folder is gone again.
    static func registry(of ids: [String] = ids) throws -> PluginRegistry {
        try ChildProcess.withTemporaryFolder { folder in
            let images = folder.appending(path: "plugins")
            try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
            for id in ids {
                try FileManager.default.copyItem(
                    at: ChildProcess.buildFolder.appending(path: "lib\(id).so"),
                    to: images.appending(path: "lib\(id).so"))
            }
            let registry = PluginRegistry(
                directories: [images.path(percentEncoded: false)],
                runDirectory: folder.appending(path: "run").path(percentEncoded: false),
                services: HostServices(keyValues: MemoryKeyValueStore(), egress: try EgressPolicy(allow: [])))
            registry.scan()
            return registry
        }
    }
}
