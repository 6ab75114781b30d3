import PatchbayCore
import Testing

@testable import PatchbayRouting

@Suite struct KeyPermissionsTests {
    private let table = Make.table(
        [Make.site("s", [Make.account("a", ["gpt-4o", "gpt-4o-mini", "claude-opus"])])],
        routes: [Route(model: "open-*", channels: [ChannelReference(site: "s", account: "a")], source: .file)])

    private func permits(_ models: [String], _ name: String) -> Bool? {
        guard let route = table.route(forModel: name) else { return nil }
        let permissions = table.permissions(for: Make.key(models))
        var name = name
        let fast = name.withUTF8 { permissions.permits(route, modelUTF8: UnsafeRawBufferPointer($0)) }
        #expect(fast == permissions.permits(model: name))
        return fast
    }

    @Test(arguments: [
        (["*"], "gpt-4o", true), (["*"], "open-x", true), (["gpt-4o"], "gpt-4o", true),
        (["gpt-4o"], "gpt-4o-mini", false),
        (["gpt-*"], "gpt-4o-mini", true), (["gpt-*"], "claude-opus", false),
        (["*-mini", "claude-*"], "gpt-4o-mini", true),
        (["*-mini", "claude-*"], "gpt-4o", false), (["open-a"], "open-a", true), (["open-a"], "open-b", false),
        (["open-*"], "open-b", true), ([], "gpt-4o", false), ([], "open-a", false),
    ])
    func permission(models: [String], name: String, expected: Bool) {
        #expect(permits(models, name) == expected)
    }

    @Test func listHoldsWhatIsAllowedOnly() {
        func list(_ models: [String]) -> [String] { 
            table.models(allowedBy: table.permissions(for: Make.key(models))).map(\.model)
        }
        #expect(list(["*"]) == ["claude-opus", "gpt-4o", "gpt-4o-mini"])
        #expect(list(["gpt-*"]) == ["gpt-4o", "gpt-4o-mini"])
        #expect(list([]) == [])
    }

    @Test(arguments: [
        ("*", "", true), ("*", "x", true), ("a*", "a", true), ("a*", "ba", false), ("*a", "ba", true),
        ("a*c", "abbc", true),
        ("a*c", "abb", false), ("a*b*c", "a-b-b-c", true), ("a*b*c", "acb", false), ("", "", true), ("", "x", false),
        ("a**", "a", true), ("*ab*ab", "abxab", true), ("*ab*ab", "xabab", true), ("*ab*ab", "ab", false),
        ("é*", "éa", true),
    ])
    func glob(pattern: String, name: String, expected: Bool) {
        #expect(GlobPattern(pattern).matches(name) == expected)
    }

    @Test func specificityPrefersLiteralsThenFewerStars() {
        let sorted = ["*", "a*", "*b*c", "abc*", "*bc"].map { GlobPattern($0) }.sorted(by: GlobPattern.isMoreSpecific)
        #expect(sorted.map(\.text) == ["abc*", "*bc", "*b*c", "a*", "*"])
    }
}
