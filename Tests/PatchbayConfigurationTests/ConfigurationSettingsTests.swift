import PatchbayConfiguration
import PatchbayCore
import Testing

/// Settings that may stand in several places.
@Suite struct ConfigurationSettingsTests {
    @Test func everySettingIsReadWhereItMayStand() throws {
        let configuration = try parse(
            """
            timeouts: { connect: 5s, write: 30s, first_byte: 60s, first_event: 61s, idle: 62s, total: 600s }
            limits: { header: 64KiB, body: 32MiB, connections_per_address: 1024 }
            retry: { max_attempts: 4, backoff: { base: 200ms, max: 5s } }
            max_concurrency: 99
            queue: { length: 5 }
            pool: { size: 10, idle: 3, idle_time: 20s, max_age: 1h }
            sites:
              - { name: alpha, platform: openai, base_url: "http://h", max_concurrency: 32,
                  queue: { length: 128, timeout: 10s }, timeouts: { idle: 1s }, limits: { body: 1MiB },
                  retry: { max_attempts: 2 }, pool: { size: 1 },
                  accounts: [ { name: a, max_concurrency: 3 } ] }
            groups: [ { name: team, limits: { rpm: 1000 } } ]
            keys: [ { name: dev, key: sk-client-1, group: team, limits: { rpm: 600, tpm: 200000, concurrency: 20 } } ]
            routes:
              - { model: m, channels: [ { site: alpha } ], timeouts: { total: 7s }, limits: { header: 2KiB },
                  retry: { backoff: { max: 9s } }, max_concurrency: 4, queue: { timeout: 2s } }
            """)
        let policy = configuration.policy
        #expect(policy.timeouts.connect == 5_000 && policy.timeouts.write == 30_000 && policy.timeouts.idle == 62_000)
        #expect(policy.timeouts.firstByte == 60_000 && policy.timeouts.firstEvent == 61_000)
        #expect(policy.limits.header == 65_536 && policy.limits.connectionsPerAddress == 1_024)
        #expect(policy.retry.maxAttempts == 4 && policy.retry.backoffBase == 200 && policy.retry.backoffLimit == 5_000)
        #expect(configuration.concurrency == ConcurrencySettings(maxConcurrency: 99, queueLength: 5))
        #expect(configuration.pool == PoolSettings(size: 10, idle: 3, idleTime: 20_000, maxAge: 3_600_000))
        let site = try #require(configuration.sites.first)
        #expect(site.policy.timeouts.idle == 1_000 && site.policy.limits.body == 1_048_576)
        #expect(site.policy.timeouts.total == nil && site.policy.retry.maxAttempts == 2 && site.pool.size == 1)
        #expect(site.concurrency == ConcurrencySettings(maxConcurrency: 32, queueLength: 128, queueTimeout: 10_000))
        #expect(site.accounts.first?.maxConcurrency == 3)
        let key = try #require(configuration.keys.first)
        #expect(key.limits == KeyLimits(requestsPerMinute: 600, tokensPerMinute: 200_000, concurrency: 20))
        #expect(configuration.groups.first?.limits == KeyLimits(requestsPerMinute: 1_000))
        let route = try #require(configuration.routes.first)
        #expect(route.policy.timeouts.total == 7_000 && route.policy.limits.header == 2_048)
        #expect(route.policy.retry.backoffLimit == 9_000)
        #expect(route.concurrency == ConcurrencySettings(maxConcurrency: 4, queueTimeout: 2_000))
    }

    @Test func aRouteSaysWhatItsModelCanDo() throws {
        let site = "sites: [ { name: alpha, platform: openai, base_url: \"http://h\" } ]\nroutes: [ { channels: [ { site: alpha } ],"
        let route = try #require(
            try parse(
                site + " model: m, display_name: My Model, capabilities: { context_window: 200000, tools: true, input: { pdf: false } } } ]"
            ).routes.first)
        #expect(route.displayName == "My Model" && route.capabilities.contextWindow == 200_000)
        #expect(route.capabilities.tools == 1 && route.capabilities.pdfInput == 0 && route.capabilities.thinking == nil)
        #expect(complaint(site + " model: m*, display_name: X } ]").contains("display_name belongs to one model"))
        #expect(complaint(site + " model: m, capabilities: { context_window: 0 } } ]").contains("context_window"))
        #expect(complaint(site + " model: m, capabilities: { input: { smell: true } } } ]").contains("smell"))
    }

    @Test(arguments: [("[metadata]", ""), ("[model]", "drop[0] must not be model"), ("[\"\"]", "drop[0]"), ("x", "drop")])
    func membersThatAreLeftOutAreNamed(list: String, problem: String) {
        let text = complaint(
            "sites: [ { name: a, platform: openai, base_url: \"http://h\", conversion: { drop: \(list) } } ]")
        #expect(problem.isEmpty ? text.isEmpty : text.contains(problem), "\(text)")
    }

    @Test func theGatewayIsNearerThanTheTopLevel() throws {
        let configuration = try parse(
            """
            timeouts: { connect: 1s, idle: 2s }
            gateway: { max_hops: 7, timeouts: { idle: 9s, client_read: 3s }, limits: { connections: 5, body: 1MB },
              retry: { max_attempts: 1 } }
            """)
        #expect(configuration.policy.timeouts.connect == 1_000 && configuration.policy.timeouts.idle == 9_000)
        #expect(configuration.gateway.timeouts.clientRead == 3_000 && configuration.gateway.limits.connections == 5)
        #expect(configuration.policy.limits.body == 1_000_000 && configuration.policy.retry.maxAttempts == 1)
        #expect(configuration.gateway.maxHops == 7)
    }

    @Test func filesHaveBounds() throws {
        let text = "gateway: { files: { keep: 2160h, size: 1MiB, key_size: 5MiB, key_count: 3 } }"
        let files = try parse(text).gateway.files
        #expect(files.isOn && files.keepMilliseconds == 7_776_000_000 && files.fileBytes == 1_048_576)
        #expect(files.keyBytes == 5_242_880 && files.keyCount == 3)
        #expect(try parse("gateway: { files: { store: false } }").gateway.files.isOn == false)
    }

    @Test(arguments: [
        (
            "timeouts: { connect: 0s }",
            "1:22: timeouts.connect must be a duration from 1ms to 24h such as 200ms, 5s or 1m."
        ),
        ("timeouts: { conect: 1s }", "1:13: There is no key \"conect\" in timeouts; did you mean \"connect\"?"),
        (
            "limits: { header: 10 }",
            "1:19: limits.header must be a size of 1024 to 1048576 bytes such as 65536, 64KiB or 1MB."
        ),
        ("limits: [1]", "1:9: limits must be a mapping."),
        (
            "gateway: { files: { keep: 9000h } }",
            "1:27: gateway.files.keep must be a duration from 1ms to 8760h such as 200ms, 5s or 1m."
        ),
        (
            "gateway: { files: { key_count: 0 } }",
            "1:32: gateway.files.key_count must be a whole number from 1 to 1000000."
        ),
        ("retry: { max_attempts: 17 }", "1:24: retry.max_attempts must be a whole number from 1 to 16."),
        (
            "retry: { backoff: { base: 1 } }",
            "1:27: retry.backoff.base must be a duration from 1ms to 24h such as 200ms, 5s or 1m."
        ),
        ("queue: { length: -1 }", "1:18: queue.length must be a whole number from 0 to 1000000."),
        (
            "gateway: { timeouts: { client_raed: 1s } }",
            "1:24: There is no key \"client_raed\" in gateway.timeouts; did you mean \"client_read\"?"
        ),
        ("groups: [ { limits: { rpm: 1 } } ]", "1:11: groups[0].name is missing."),
        ("groups: [ { name: a }, { name: a } ]", "1:32: groups[1].name is used by another group."),
        (
            "keys: [ { name: a, key: sk-123456, limits: { rpm: 0 } } ]",
            "1:51: keys[0].limits.rpm must be a whole number from 1 to 1000000000."
        ),
        (
            "keys: [ { name: a, key: sk-123456, limits: { rp: 1 } } ]",
            "1:46: There is no key \"rp\" in keys[0].limits; did you mean \"rpm\"?"
        ),
        (
            "sites: [ { name: a, platform: p, base_url: \"http://h\", queue: { lenght: 1 } } ]",
            "1:65: There is no key \"lenght\" in sites[0].queue; did you mean \"length\"?"
        ),
        (
            "routes: [ { model: m, channels: [ { site: a } ], retry: { backoff: 5 } } ]",
            "1:68: routes[0].retry.backoff must be a mapping."
        ),
    ])
    func whatIsWrongIsNamedWithItsPlace(text: String, problem: String) {
        do throws(ConfigurationError) {
            _ = try parse(text)
            Issue.record("it was accepted")
        } catch {
            #expect(error.problems.map { "\($0.line):\($0.column): \($0.sentence)" }.contains(problem), "\(error)")
        }
    }
}
