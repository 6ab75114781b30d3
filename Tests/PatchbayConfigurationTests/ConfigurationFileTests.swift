import PatchbayConfiguration
import PatchbayCore
import Testing

@Suite struct ConfigurationFileTests {
    private let environment = ["PATCHBAY_ADMIN_TOKEN": "pb-admin-123456789"]

    @Test func theExampleIsRead() throws {
        let configuration = try parse(example, environment)
        #expect(configuration.gateway.listen == ListenAddress(host: "127.0.0.1", port: 4000))
        #expect(configuration.admin.listen == ListenAddress(host: "127.0.0.1", port: 4001))
        #expect(configuration.admin.token == Secret("pb-admin-123456789"))
        #expect(configuration.egress.allow == ["127.0.0.0/8"])
        #expect(
            configuration.prices
                == ["gpt-4o-mini": ModelPrice(perMillionInput: 0.15, output: 0.6, cachedInput: 0.075)])
    }

    @Test func theExampleDeclaresItsSiteKeyAndRoute() throws {
        let configuration = try parse(example, environment)
        let site = try #require(configuration.sites.first)
        #expect(configuration.sites.count == 1)
        #expect(site.name == "alpha")
        #expect(site.platform == "openai")
        #expect(site.baseURL == "http://127.0.0.1:9001")
        #expect(site.formats == [.openAIChat])
        #expect(site.enabled && site.source == .file && site.pluginConfiguration == "{}")
        let account = try #require(site.accounts.first)
        #expect(account.credential == Credential(kind: "api_key", secrets: ["api_key": Secret("sk-upstream-1")]))
        #expect(
            account.models
                == [ModelMapping(upstream: "gpt-4o-mini"), ModelMapping(upstream: "gpt-4o-2024-08-06", name: "gpt-4o")])
        let key = try #require(configuration.keys.first)
        #expect(key.name == "dev" && key.models == ["*"] && key.group == "default" && key.displayPrefix == "sk-")
        let route = try #require(configuration.routes.first)
        #expect(route.model == "gpt-4o-mini")
        #expect(route.channels == [ChannelReference(site: "alpha", account: "main", priority: 0, weight: 10)])
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "sites:\nkeys:\n", "gateway: ~"])
    func anEmptyFileGivesTheDefaults(text: String) throws {
        let configuration = try parse(text)
        #expect(configuration.gateway.listen.port == 4000)
        #expect(configuration.policy.limits.body == 33_554_432)
        #expect(configuration.admin.token == nil)
        #expect(configuration.sites.isEmpty && configuration.keys.isEmpty && configuration.routes.isEmpty)
    }

    @Test func limitsAndTimeoutsTakeUnits() throws {
        let configuration = try parse(
            """
            gateway:
              listen: "[::1]:0"
              event_loops: 3
              limits: { header: 64KiB, body: 1.5 MB, connections: 100 }
              timeouts: { client_read: 5s, connect: 200ms, first_byte: 1m, total: 1.5h }
              drain: { delay: 0s, deadline: 2m }
            """)
        #expect(configuration.gateway.listen == ListenAddress(host: "::1", port: 0))
        #expect(configuration.gateway.eventLoops == 3)
        #expect(configuration.policy.limits.header == 65_536)
        #expect(configuration.policy.limits.body == 1_500_000)
        #expect(configuration.gateway.limits.connections == 100)
        #expect(configuration.gateway.timeouts.clientRead == 5_000)
        #expect(configuration.policy.timeouts.connect == 200)
        #expect(configuration.policy.timeouts.firstByte == 60_000)
        #expect(configuration.policy.timeouts.total == 5_400_000)
        #expect(configuration.policy.timeouts.idle == 60_000)
        #expect(configuration.gateway.drain.delay == 0 && configuration.gateway.drain.deadline == 120_000)
    }

    @Test func keptResponsesHaveAnExpiryAndASize() throws {
        #expect(try parse("").gateway.responses == ResponseStoreSettings())
        let set = try parse("gateway: { responses: { keep: 2h, size: 10MiB, entry: 1MiB } }").gateway.responses
        #expect(set.keepMilliseconds == 7_200_000 && set.bytes == 10_485_760 && set.entryBytes == 1_048_576 && set.isOn)
        #expect(try !parse("gateway: { responses: { store: false } }").gateway.responses.isOn)
    }

    @Test func aSiteCanSayEverything() throws {
        let site = try #require(
            try parse(
                """
                sites:
                  - name: relay
                    platform: new-api
                    base_url: HTTPS://Relay.Example.com:8443/api/
                    headers: { X-Team: "${TEAM}" }
                    config: { era: 2, strict: true, note: "5", list: [a, 1.5, ~], version: 007 }
                    enabled: false
                    accounts:
                      - name: a
                        credential: { kind: access_token, access_token: t, user_id: 7 }
                        tokens: [{ name: t1, key: sk-1, group: VIP 特价, price_ratio: 0.5, models: [m] }]
                      - name: b
                        credential: { kind: password, username: me, password: pw }
                        enabled: false
                      - name: c
                """, ["TEAM": "blue"]
            ).sites.first)
        #expect(site.baseURL == "https://Relay.Example.com:8443/api")
        #expect(site.headers == [HeaderSetting(name: "X-Team", value: Secret("blue"))])
        #expect(
            site.pluginConfiguration
                == #"{"era":2,"strict":true,"note":"5","list":["a",1.5,null],"version":"007"}"#)
        #expect(!site.enabled)
        #expect(site.accounts.map(\.credential.kind) == ["access_token", "password", "none"])
        #expect(site.accounts[0].credential.fields == ["user_id": "7"])
        #expect(site.accounts[0].models == nil)
        let token = try #require(site.accounts[0].tokens.first)
        #expect(token.key == Secret("sk-1") && token.group == "VIP 特价" && token.priceRatio == 0.5)
        #expect(token.models == [ModelMapping(upstream: "m")])
    }

    @Test func anchorsAndMergeKeysAreFollowed() throws {
        let configuration = try parse(
            """
            sites:
              - &base { name: a, platform: openai, base_url: "http://h", accounts: &accounts [{ name: x }] }
              - { <<: *base, name: b }
              - { name: c, platform: openai, base_url: "http://h", accounts: *accounts }
            """)
        #expect(configuration.sites.map(\.name) == ["a", "b", "c"])
        #expect(configuration.sites.allSatisfy { $0.platform == "openai" && $0.accounts.map(\.name) == ["x"] })
    }

    @Test func theFileOnDiskIsReadAndNamedInItsErrors() throws {
        #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.load(path: "/nonexistent/patchbay.yaml", environment: [:])
        }
        do throws(ConfigurationError) {
            _ = try ConfigurationFile.load(path: "/nonexistent/patchbay.yaml", environment: [:])
        } catch {
            #expect(error.description == "/nonexistent/patchbay.yaml:0:0: The file does not exist.")
        }
    }
}
