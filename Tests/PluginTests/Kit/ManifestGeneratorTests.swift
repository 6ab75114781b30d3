import Foundation
import Testing

/// Runs the generator as the build does.
@Suite struct ManifestGeneratorTests {
    static let valid = """
        {
          "id": "platform-x",
          "version": "1.0.0",
          "name": "X",
          "kinds": ["platform"],
          "speaks": ["openai.chat"]
        }
        """

    func generate(_ manifest: String, output: String = "Entry.swift") throws -> (problems: String, text: String) {
        let tool = try #require(
            ["patchbay-manifest-gen-tool", "patchbay-manifest-gen"].lazy
                .map { ChildProcess.buildFolder.appending(path: $0).path(percentEncoded: false) }
                .first { FileManager.default.isExecutableFile(atPath: $0) })
        return try ChildProcess.withTemporaryFolder { folder in
            let input = folder.appending(path: "plugin.json")
            try Data(manifest.utf8).write(to: input)
            let target = folder.appending(path: output)
            let result = try ChildProcess.run(
                tool, ["--module", "PlatformX", "--output", target.path(percentEncoded: false), input.path()])
            let text = (try? String(contentsOf: target, encoding: .utf8)) ?? ""
            #expect((result.status == 0) == !text.isEmpty)
            return (result.output.replacing(input.path(), with: "plugin.json"), text)
        }
    }

    @Test func entryFileHoldsTheManifestTwice() throws {
        let (problems, text) = try generate(Self.valid)
        #expect(problems.isEmpty)
        #expect(text.contains("@c(patchbay_entry_v1__platform_x)"))
        #expect(text.contains("InlineArray<\(Self.valid.utf8.count), UInt8>"))
        #expect(text.contains(#"PlatformX.self, id: "platform-x""#))
        #expect(text.contains(#"manifest: "{\n  \"id\": \"platform-x\""#))
    }

    @Test func typeCanBeNamed() throws {
        let manifest = Self.valid.replacing(#""name": "X","#, with: #""name": "X", "entry": {"type": "Other"},"#)
        #expect(try generate(manifest).text.contains("Other.self, id:"))
    }

    @Test func headerForPluginsInC() throws {
        let text = try generate(Self.valid, output: "manifest.h").text
        #expect(text.contains(##"#define PLUGIN_ID "platform-x""##))
        #expect(text.contains(#"    "  \"id\": \"platform-x\",\n" \"#))
    }

    /// Each row replaces one piece of a valid manifest.
    static let mistakes: [(piece: String, by: String, problem: String)] = [
        (#""id": "platform-x","#, "", "1:1: error: id is missing."),
        (
            "platform-x", "Platform X",
            "2:9: error: id: \"Platform X\" must be lower-case letters, digits and hyphens, begin with a letter, at most 64."
        ),
        (#""1.0.0""#, #""one""#, "3:14: error: version: \"one\" must be three numbers with dots, such as 1.0.0."),
        (#""1.0.0""#, "1", "3:14: error: version must be a string that is not empty."),
        (#"["platform"]"#, #"["platfrom"]"#, "kinds[0]: \"platfrom\" must be one of platform, format, notifier."),
        (#"["platform"]"#, "[]", "kinds must be an array of strings that is not empty."),
        (#"["platform"]"#, #"["platform", "format"]"#, "1:1: error: formats is missing."),
        (
            #"["platform"]"#, #"["platform", "notifier"]"#,
            "operations must list notify.send, because kinds has notifier."
        ),
        (#""speaks": ["openai.chat"]"#, #""x-a": 1"#, "speaks is missing."),
        (#"["openai.chat"]"#, #"["chat"]"#, "speaks: \"chat\" must be words of a-z"),
        (#""name": "X""#, #""nam": "X""#, "nam is no field of a manifest; own fields begin with \"x-\"."),
        (#""name": "X""#, #""name": "X", "config": []"#, "config must be a JSON Schema, an object."),
        (#""name": "X""#, #""name": "X", "config": {"type": "array"}"#, "config.type must be \"object\""),
        (
            #""name": "X""#, #""name": "X", "operations": [{"name": "a", "mode": "later"}]"#,
            "operations[0].mode: \"later\" must be one of async, blocking."
        ),
        (
            #""name": "X""#, #""name": "X", "operations": [{"name": "a"}, {"name": "a"}]"#,
            "operations[1].name: \"a\" is listed twice."
        ),
        (
            #""name": "X""#, #""name": "X", "operations": [{"name": "a", "timeout_ms": 0.5}]"#,
            "operations[0].timeout_ms must be a whole number from 1 to 3600000."
        ),
        (
            #""name": "X""#, #""name": "X", "credentials": [{"kind": "API key"}]"#,
            "credentials[0].kind: \"API key\" must be lower-case letters, digits and _."
        ),
        (
            #""name": "X""#, #""name": "X", "permissions": ["everything"]"#,
            "permissions[0]: \"everything\" must be secrets.reveal or net: and an origin, such as net:https://api.example.com."
        ),
        (
            #""name": "X""#, #""name": "X", "entry": {"type": "9"}"#,
            "entry.type: \"9\" must be the name of a Swift type."
        ),
        (#""name": "X","#, #""name": "X""#, "5:3: error: The manifest must be JSON: \"}\" is expected here."),
        (#""name": "X""#, #""name": "X", "name": "Y""#, "the member name stands there twice"),
        (#""name": "X""#, #""name": "\x""#, "\\x is no escape"),
        (#""name": "X""#, #""name": X"#, "a value is expected here"),
    ]

    @Test(arguments: mistakes) func mistakeIsNamed(piece: String, by: String, problem: String) throws {
        let problems = try generate(Self.valid.replacing(piece, with: by)).problems
        #expect(problems.hasPrefix("plugin.json:"))
        #expect(problems.contains(problem))
    }

    @Test func allMistakesAreNamedAtOnce() throws {
        let problems = try generate(#"{"id": "", "version": 1}"#).problems
        #expect(problems.split(separator: "\n").count == 4)
    }
}
