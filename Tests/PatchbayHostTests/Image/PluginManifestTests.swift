import PatchbayCore
import Testing

@testable import PatchbayHost

struct PluginManifestTests {
    private func refusal(_ text: String) -> String? {
        do throws(PluginRefusal) {
            _ = try PluginManifest(parsing: Array(text.utf8))
            return nil
        } catch {
            return error.sentence
        }
    }

    @Test func readsEveryMember() throws {
        let manifest = try PluginManifest(
            parsing: Array(
                #"""
                {"id":"x-1","version":"1","kinds":["format","platform"],"license":"MIT","description":"d","unknown":{"a":1},
                 "formats":[{"id":"openai.chat","framing":"ndjson"},{"id":"a.b"}],"speaks":["openai.chat"],
                 "credentials":[{"kind":"password","secrets":["password"],"fields":["username"]}],
                 "operations":[{"name":"login","mode":"blocking","timeout_ms":5000},{"name":"self"}],
                 "permissions":["secrets.reveal","net:https://api.example:8443"],"config":{"type":"object"}}
                """#.utf8))
        #expect(manifest.id == "x-1")
        #expect(manifest.name == "x-1")
        #expect(manifest.kinds == [.format, .platform])
        #expect(manifest.formats.map(\.framing) == [.ndjson, .sse])
        #expect(manifest.speaks == [.openAIChat])
        #expect(manifest.credentials == [.init(kind: "password", secrets: ["password"], fields: ["username"])])
        #expect(manifest.operation(named: "login") == .init(name: "login", mode: .blocking, timeout: 5000))
        #expect(manifest.operation(named: "self") == .init(name: "self", mode: .async, timeout: nil))
        #expect(manifest.mayRevealSecrets)
        #expect(manifest.origins == ["https://api.example:8443"])
        #expect(manifest.configurationSchema?.text == #"{"type":"object"}"#)
    }

    @Test(
        "a refusal names the member and the rule",
        arguments: [
            (#"[]"#, "The manifest must be an object."),
            (#"{}"#, "The manifest's member id is missing."),
            (
                #"{"id":"A"}"#,
                "The manifest's member id must be lower-case letters, digits and hyphens, at most 64 bytes."
            ),
            (#"{"id":7}"#, "The manifest's member id must be a string."),
            (#"{"id":"a"}"#, "The manifest's member version is missing."),
            (#"{"id":"a","version":"1"}"#, "The manifest's member kinds must name at least one kind."),
            (
                #"{"id":"a","version":"1","kinds":["toaster"]}"#,
                "The manifest's member kinds has the unknown value \"toaster\"; known are platform, format, notifier."
            ),
            (
                #"{"id":"a","version":"1","kinds":["format"],"formats":[{"id":"x","framing":"xml"}]}"#,
                "The manifest's member formats[0].framing has the unknown value \"xml\"; known are sse, ndjson, json-array, raw."
            ),
            (
                #"{"id":"a","version":"1","kinds":["format"],"operations":[{"name":"x","timeout_ms":0}]}"#,
                "The manifest's member operations[0].timeout_ms must be a positive integer."
            ),
            (
                #"{"id":"a","version":"1","kinds":["format"],"config":[]}"#,
                "The manifest's member config must be an object."
            ),
            (#"{"id":"a","version":"1","kinds":"format"}"#, "The manifest's member kinds must be an array."),
        ])
    func refusals(text: String, sentence: String) {
        #expect(refusal(text) == sentence)
    }

    @Test func saysWhereTheJSONIsBroken() throws {
        #expect(try #require(refusal("{\"id\":")).hasPrefix("The manifest is not JSON: "))
    }
}
