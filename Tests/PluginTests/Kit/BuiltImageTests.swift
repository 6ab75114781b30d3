import Foundation
import PatchbayCore
import PatchbayHost
import Testing

/// The images that the build left beside the test program, loaded by the real host.
@Suite struct BuiltImageTests {
    @Test func everyImageIsAccepted() throws {
        try BuiltImages.withRegistry { registry in
            let plugins = registry.plugins
            #expect(plugins.compactMap(\.id) == BuiltImages.ids)
            for plugin in plugins { #expect(plugin.state == .loaded, "\(plugin.file)") }
        }
    }

    @Test func adapterShapesARequestInTheHost() throws {
        try BuiltImages.withRegistry { registry in
            let instance = try registry.instance(pluginID: "platform-openai", site: "s", baseURL: "https://h.test")
            let draft = RequestDraft()
            try withBytes("openai.chat", "generate", "https://h.test/v1", "gpt", "api_key") { texts in
                let input = AttemptInput(
                    format: texts[0], operation: texts[1], baseURL: texts[2], requestedModel: texts[3],
                    upstreamModel: texts[3], credentialKind: texts[4])
                try instance.prepare(input, into: draft)
            }
            #expect(draft.text(draft.url) == "https://h.test/v1/chat/completions")
            #expect(draft.headers.map { draft.text($0.name).lowercased() } == ["authorization"])
        }
    }

    @Test func platformsPromiseNotToLookAtSizes() throws {
        try BuiltImages.withRegistry { registry in
            for id in BuiltImages.ids where id.hasPrefix("platform-") {
                let instance = try registry.instance(pluginID: id, site: "s", baseURL: "https://h.test")
                #expect(instance.preparesForAnySize, "\(id)")
            }
        }
    }

    @Test func configurationIsCheckedByTheManifest() throws {
        try BuiltImages.withRegistry { registry in
            #expect(throws: PatchbayHost.PluginError.self) {
                _ = try registry.instance(pluginID: "notify-webhook", configuration: "{}")
            }
            _ = try registry.instance(pluginID: "notify-webhook", configuration: #"{"url":"https://hook.test"}"#)
        }
    }

    private func withBytes(_ texts: String..., body: ([UnsafeRawBufferPointer]) throws -> Void) throws {
        let buffers = texts.map { text in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
            buffer.copyBytes(from: text.utf8)
            return buffer
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        try body(buffers.map { UnsafeRawBufferPointer($0) })
    }
}
