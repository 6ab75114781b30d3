import Foundation
import PatchbayConfiguration
import PatchbayCore
import Testing

@Suite struct ExpansionTests {
    /// The value of a setting after expansion, by way of a plugin's configuration.
    private func expand(_ text: String, _ environment: [String: String] = [:]) throws -> String {
        let configuration = try parse(
            "sites: [{ name: a, platform: p, base_url: \"http://h\", config: { v: '\(text)' } }]", environment)
        return try #require(configuration.sites.first).pluginConfiguration
    }

    @Test(arguments: [
        ("${A}", "one"), ("x${A}y${B}z", "xoneytwoz"), ("${A:-d}", "one"), ("${N:-d}", "d"), ("${E:-d}", "d"),
        ("${E}", ""),
        ("${N:-}", ""), ("$${A}", "${A}"), ("$A $ $$", "$A $ $$"), ("${D}", "${A}"), ("${N:-a:-b}", "a:-b"),
    ])
    func variablesAreReplacedOnce(text: String, expected: String) throws {
        let environment = ["A": "one", "B": "two", "E": "", "D": "${A}"]
        #expect(try expand(text, environment) == "{\"v\":\(JSONText.string(expected))}")
    }

    @Test(arguments: [
        ("${N}", "The environment variable N is not set."),
        ("${A", "A ${ has no closing brace; write $${ for the text itself."),
        ("${}", "${...} takes NAME, NAME:-default or file:path; write $${ for the text itself."),
        ("${1A}", "${...} takes NAME, NAME:-default or file:path; write $${ for the text itself."),
        ("${A:x}", "${...} takes NAME, NAME:-default or file:path; write $${ for the text itself."),
        ("${file:/nonexistent}", "The file /nonexistent does not exist."),
    ])
    func whatCannotBeReplacedIsReportedInItsPlace(text: String, sentence: String) {
        #expect(complaint("admin:\n  token: '\(text)'", ["A": "x"]).hasPrefix("patchbay.yaml:2:10: \(sentence)"))
    }

    @Test func numbersMayComeFromVariables() throws {
        #expect(try parse("gateway: { event_loops: \"${N}\" }", ["N": "4"]).gateway.eventLoops == 4)
    }

    @Test func filesAreReadRelativeToTheConfiguration() throws {
        let folder = NSTemporaryDirectory() + "patchbay-configuration-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("from-a-file-1234\r\n".utf8).write(to: URL(fileURLWithPath: folder + "/token"))
        try Data("admin: { token: '${file:token}' }".utf8).write(to: URL(fileURLWithPath: folder + "/patchbay.yaml"))
        let configuration = try ConfigurationFile.load(path: folder + "/patchbay.yaml", environment: [:])
        #expect(configuration.admin.token == Secret("from-a-file-1234"))
    }
}
