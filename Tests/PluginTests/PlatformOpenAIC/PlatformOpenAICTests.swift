import CPatchbay
import Foundation
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Compiles the C adapter as its author would, with a C compiler and the headers alone, and drives it through its
/// records.
@Suite struct PlatformOpenAICTests {
    /// The image; never unmapped, as in the host.
    static let image: Result<Unsafely<UnsafeMutableRawPointer>, any Error> = Result { try build() }

    struct BuildFailure: Error, CustomStringConvertible {
        var description: String
    }

    private static func build() throws -> Unsafely<UnsafeMutableRawPointer> {
        let root = ChildProcess.packageFolder
        return try ChildProcess.withTemporaryFolder { folder in
            let output = folder.appending(path: "adapter.so").path(percentEncoded: false)
            let result = try ChildProcess.run(
                "/usr/bin/env",
                [
                    "gcc", "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-shared", "-fPIC",
                    "-fvisibility=hidden",
                    "-Wl,-z,nodelete", "-I", root.appending(path: "sdk/include").path(percentEncoded: false),
                    root.appending(path: "Plugins/PlatformOpenAIC/adapter.c").path(percentEncoded: false), "-o", output,
                ])
            guard result.status == 0 else { throw BuildFailure(description: result.output) }
            guard let image = dlopen(output, RTLD_NOW | RTLD_LOCAL) else {
                throw BuildFailure(description: String(cString: dlerror()))
            }
            return Unsafely(pointer: image)
        }
    }

    func plugin(_ host: FakeHost = FakeHost()) throws -> PluginUnderTest {
        let image = try Self.image.get().pointer
        let symbol = try #require(dlsym(image, "patchbay_entry_v1__platform_openai_c"))
        typealias Entry = @convention(c) (UnsafeRawPointer?) -> UnsafeRawPointer?
        return try PluginUnderTest(unsafeBitCast(symbol, to: Entry.self)(nil), host: host)
    }

    @Test func manifestInTheImageIsTheFile() throws {
        let file = ChildProcess.packageFolder.appending(path: "Plugins/PlatformOpenAIC/plugin.json")
        #expect(try plugin().module.pointee.manifest_json.text == String(contentsOf: file, encoding: .utf8))
    }

    @Test(arguments: [
        ("https://h", "https://h/v1/chat/completions"), ("https://h/v1", "https://h/v1/chat/completions"),
        ("https://h/api", "https://h/api/v1/chat/completions"),
    ])
    func prepare(base: String, url: String) throws {
        let request = try plugin().prepare(baseURL: base)
        #expect(request.url == url && request.headers == ["authorization": "Bearer ${secret:api_key}"])
    }

    @Test func prepareRefusesWhatItCannotDo() throws {
        #expect(throws: Refusal(status: pb_status(PB_E_UNSUPPORTED), sentence: "This adapter speaks openai.chat only."))
        {
            _ = try plugin().prepare(format: "anthropic.messages", baseURL: "https://h")
        }
        #expect(throws: Refusal(status: pb_status(PB_E_INVALID), sentence: "The base URL is too long.")) {
            _ = try plugin().prepare(baseURL: "https://" + String(repeating: "h", count: 5000))
        }
    }

    @Test func classify() throws {
        let plugin = try plugin()
        let quota = try #require(plugin.classify(status: 429, body: #"{"error":{"code":"insufficient_quota"}}"#))
        #expect(quota.verdict.fault == UInt32(PB_FAULT_QUOTA) && quota.reason == "The account has run out of quota.")
        let rate = try #require(plugin.classify(status: 429, headers: ["retry-after": "12"]))
        #expect(rate.verdict.fault == UInt32(PB_FAULT_RATE) && rate.verdict.retry_after_ms == 12000)
        #expect(plugin.classify(status: 429, headers: ["retry-after": "Sun, 06"])?.verdict.retry_after_ms == 0)
        #expect(plugin.classify(status: 401)?.verdict.flags == UInt32(PB_VERDICT_DISABLE_CREDENTIAL))
        #expect(plugin.classify(status: 502) == nil)
    }

    func models(_ answer: FakeAnswer) throws -> (CallEnding, FakeHost) {
        let host = FakeHost(answer)
        let plugin = try plugin(host)
        let call = FakeCall(mayBlock: true)
        #expect(plugin.start("models", #"{"base_url":"https://h"}"#, call) == 0)
        #expect(call.endings.count == 1)
        return (try #require(call.endings.first), host)
    }

    @Test func modelsAreListed() throws {
        let (ending, host) = try models(.json(#"{"data":[{"id":"a"},{"x":1},{"id":"b\"c"}]}"#))
        #expect(ending == .result(#"{"complete":true,"models":[{"id":"a"},{"id":"b\"c"}]}"#))
        let sent = try #require(host.requests.first)
        #expect(sent.url == "https://h/v1/models" && sent.headers == ["authorization": "Bearer ${secret:api_key}"])
    }

    @Test(arguments: [
        (FakeAnswer(status: 401), PB_E_AUTH), (FakeAnswer(status: 500), PB_E_UNAVAILABLE),
        (FakeAnswer(status: 200, body: "<html>"), PB_E_PROTOCOL), (.json(#"{"data":{}}"#), PB_E_PROTOCOL),
        (FakeAnswer(error: pb_status(PB_E_NETWORK)), PB_E_NETWORK),
    ])
    func failuresEndTheCallOnce(answer: FakeAnswer, code: Int) throws {
        #expect(try models(answer).0.code == pb_status(code))
    }

    @Test func hostWithoutItsServicesIsRefused() {
        let host = FakeHost()
        host.state.withLock { $0.lacksServices = [PB_JSON_ID] }
        #expect(
            throws: Refusal(
                status: pb_status(PB_E_UNSUPPORTED),
                sentence: "The host must offer patchbay.http/1 and patchbay.json/1.")
        ) {
            _ = try plugin(host)
        }
    }
}
