import PatchbayConfiguration
import Testing

/// Every refusal names the place, the field and the rule.
@Suite struct ConfigurationProblemTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var complaint: String

        init(_ text: String, _ complaint: String) {
            self.text = text
            self.complaint = complaint
        }

        var testDescription: String { complaint }
    }

    private static let site = "sites: [{ name: a, platform: openai, base_url: \"http://h\""

    static let structure = [
        Case("[]", "1:1: The document must be a mapping."),
        Case("gatway: {}", #"1:1: There is no key "gatway"; did you mean "gateway"?"#),
        Case("gateway:\n  Listen: x", #"2:3: There is no key "Listen" in gateway; did you mean "listen"?"#),
        Case(
            "egress: { zzzzzz: 1 }", #"1:11: There is no key "zzzzzz" in egress; allowed are allow."#),
        Case("gateway: 5", "1:10: gateway must be a mapping."),
        Case("sites: {}", "1:8: sites must be a list."),
        Case("keys: []\nsites: []\nkeys: []", #"3:1: The key "keys" is given more than once in one mapping."#),
        Case("sites: [", "2:1: This is not valid YAML: did not find expected node content while parsing a flow node."),
        Case("a: *x", "1:4: This is not valid YAML: found undefined alias."),
        Case(
            "--- {}\n--- {}",
            "2:1: This is not valid YAML: there is another document in the file."),
        Case("? [a]\n: b", "1:3: A key must be a word, not a list or a mapping."),
        Case("gateway: { <<: 5 }", "1:16: << takes a mapping or a list of mappings."),
    ]

    static let values = [
        Case("gateway: { listen: localhost }", "1:20: gateway.listen must be HOST:PORT, [IPV6]:PORT or :PORT."),
        Case("gateway: { listen: \"h:99999\" }", "1:20: gateway.listen must be HOST:PORT, [IPV6]:PORT or :PORT."),
        Case("gateway: { event_loops: 0 }", "1:25: gateway.event_loops must be a whole number from 1 to 1024."),
        Case(
            "gateway: { timeouts: { idle: 5 } }",
            "1:30: gateway.timeouts.idle must be a duration from 1ms to 24h such as 200ms, 5s or 1m."),
        Case(
            "gateway: { limits: { header: 1GB } }",
            "1:30: gateway.limits.header must be a size of 1024 to 1048576 bytes such as 65536, 64KiB or 1MB."),
        Case(
            "gateway: { drain: { delay: soon } }",
            "1:28: gateway.drain.delay must be a duration from 0s to 24h such as 200ms, 5s or 1m."),
        Case("admin: { token: admin }", "1:17: admin.token must not be a word that everybody knows."),
        Case("admin: { token: ChangeMe }", "1:17: admin.token must not be a word that everybody knows."),
        Case("admin: { token: \"123456\" }", "1:17: admin.token must not be a word that everybody knows."),
        Case("admin: { token: \"\" }", "1:17: admin.token must not be empty."),
        Case("admin: { token: abc }", "1:17: admin.token must be 8 to 1024 characters of ASCII without spaces."),
        Case(
            "admin: { listen: \"127.0.0.1:4000\" }",
            "1:18: admin.listen must differ from gateway.listen, which is 127.0.0.1:4000 too."),
        Case(
            "egress: { allow: [10.0.0.0/8, nonsense] }",
            "1:31: egress.allow[1]: `nonsense` is not an IPv4 or IPv6 network such as 10.0.0.0/8 or fd00::/8."),
        Case("prices: { m: { input: -1 } }", "1:23: prices.m.input must be a number from 0 to 1000000."),
        Case("prices: { m: { output: nan } }", "1:24: prices.m.output must be a number from 0 to 1000000."),
    ]

    static let sites = [
        Case("sites: [{ name: a, platform: p }]", "1:9: sites[0].base_url is missing."),
        Case(
            "sites:\n  - { name: Upper, platform: p, base_url: \"http://h\" }",
            "2:13: sites[0].name must be 1 to 64 lower-case letters, digits, '-', '_' or '.'."),
        Case(
            "sites: [{ name: a, platform: p, base_url: ftp://h }]",
            "1:43: sites[0].base_url must begin with http:// or https://."),
        Case(
            "sites: [{ name: a, platform: p, base_url: \"http://u:p@h\" }]",
            "1:43: sites[0].base_url must not contain a user name or password."),
        Case(
            "sites: [{ name: a, platform: p, base_url: \"http://h/?x=1\" }]",
            "1:43: sites[0].base_url must not have a query or a fragment."),
        Case(
            "sites: [{ name: a, platform: p, base_url: \"http://h:0\" }]",
            "1:43: sites[0].base_url must have a port from 1 to 65535."),
        Case(
            "\(site) }, { name: a, platform: p, base_url: \"http://h\" }]",
            "1:70: sites[1].name is used by another site."),
        Case("\(site), enabled: yes }]", "1:69: sites[0].enabled must be true or false."),
        Case("\(site), formats: chat }]", "1:69: sites[0].formats must be a list."),
        Case(
            "\(site), headers: { Host: x } }]",
            "1:77: sites[0].headers[0] must not set Host, which belongs to the connection."),
        Case("\(site), config: [] }]", "1:68: sites[0].config must be a mapping."),
    ]

    static let accounts = [
        Case(
            "\(site), accounts: [{ name: x, credential: { kind: apikey } }] }]",
            "1:102: sites[0].accounts[0].credential.kind must be one of access_token, api_key, none, password, session."
        ),
        Case(
            "\(site), accounts: [{ name: x, credential: { kind: api_key } }] }]",
            "1:94: sites[0].accounts[0].credential.api_key is required for the kind api_key."),
        Case(
            "\(site), accounts: [{ name: x, credential: { kind: none, password: p } }] }]",
            "1:118: sites[0].accounts[0].credential.password does not belong to the kind none."),
        Case(
            "\(site), accounts: [{ name: x, credential: { kind: api_key, api_key: \"a\\nb\" } }] }]",
            "1:120: sites[0].accounts[0].credential.api_key must not contain line breaks or control characters."),
        Case(
            "\(site), accounts: [{ name: x }, { name: x }] }]",
            "1:92: sites[0].accounts[1].name is used by another account of the site."),
        Case(
            "\(site), accounts: [{ name: x, models: [m, [n]] }] }]",
            "1:94: sites[0].accounts[0].models[1] must be a model name or a mapping of upstream and as."),
        Case(
            "\(site), accounts: [{ name: x, tokens: [{ name: t, key: k, price_ratio: -1 }] }] }]",
            "1:123: sites[0].accounts[0].tokens[0].price_ratio must be a number from 0 to 1000000."),
    ]

    static let keysAndRoutes = [
        Case(
            "keys: [{ name: k, key: short }]", "1:24: keys[0].key must be 8 to 1024 characters of ASCII without spaces."
        ),
        Case(
            "keys: [{ name: k, key: sk-12345678 }, { name: l, key: sk-12345678 }]",
            "1:55: keys[1].key is the same as that of another key."),
        Case("keys: [{ name: k }]", "1:8: keys[0].key is missing."),
        Case("routes: [{ model: m }]", "1:10: routes[0].channels must name a channel."),
        Case(
            "\(site) }]\nroutes: [{ model: m, channels: [{ site: b }] }]",
            #"2:41: routes[0].channels[0].site names no site of this file; did you mean "a"?"#),
        Case(
            "\(site), accounts: [{ name: main }] }]\nroutes: [{ model: m, channels: [{ site: a, account: mian }] }]",
            #"2:53: routes[0].channels[0].account names no account of that site; did you mean "main"?"#),
        Case(
            "\(site) }]\nroutes: [{ model: m, channels: [{ site: a, weight: -1 }] }]",
            "2:52: routes[0].channels[0].weight must be a whole number from 0 to 1000000."),
        Case(
            "\(site) }]\nroutes: [{ model: m, channels: [{ site: a }] }, { model: m, channels: [{ site: a }] }]",
            "2:58: routes[1].model has another route."),
    ]

    @Test(arguments: structure + values + sites + accounts + keysAndRoutes)
    func aRefusalSaysWhereAndWhy(item: Case) {
        #expect(complaint(item.text) == "patchbay.yaml:\(item.complaint)")
    }

    @Test func allProblemsAreReportedInTheOrderOfTheFile() {
        let text = """
            gateway: { listen: x, hue: red }
            sites:
              - { name: A, platform: p, base_url: "http://h" }
              - { name: b, platform: p, base_url: nowhere }
            keys: [{ name: k, key: "${MISSING}" }]
            """
        #expect(
            complaint(text) == """
                patchbay.yaml:1:20: gateway.listen must be HOST:PORT, [IPV6]:PORT or :PORT.
                patchbay.yaml:1:23: There is no key "hue" in gateway; allowed are listen, event_loops, max_hops, drain, responses, files, behind_cdn, timeouts, limits, retry, pool.
                patchbay.yaml:3:13: sites[0].name must be 1 to 64 lower-case letters, digits, '-', '_' or '.'.
                patchbay.yaml:4:39: sites[1].base_url must begin with http:// or https://.
                patchbay.yaml:5:24: The environment variable MISSING is not set.
                """)
    }

    @Test func noSecretIsRepeatedInAComplaint() {
        let text = """
            admin: { token: "tösecret-value" }
            keys: [{ name: k, key: "clientsecret with spaces" }]
            sites: [{ name: a, platform: p, base_url: "http://user:hunter2@h", headers: { X: "line\\nsecret" } }]
            """
        let complaint = complaint(text)
        #expect(!complaint.isEmpty)
        #expect(!complaint.contains("secret") && !complaint.contains("hunter2"))
    }
}
