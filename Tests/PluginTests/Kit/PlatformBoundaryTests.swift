import CPatchbay
import Synchronization
import PatchbayPlugin
import Testing

@Suite struct PlatformBoundaryTests {
    let host = FakeHost()

    func probe(_ host: FakeHost? = nil) throws -> PluginUnderTest {
        try PluginUnderTest(
            Probes.platform.pointer, configuration: #"{"greeting":"hi "}"#, host: host ?? self.host)
    }

    @Test func moduleRecordIdentifiesItself() throws {
        let module = try probe().module.pointee
        #expect(module.magic == PB_MODULE_MAGIC)
        #expect(module.size == UInt32(MemoryLayout<pb_module>.size))
        #expect(module.abi_major == 1 && module.needs_minor == 0 && module.plugin_count == 1)
        #expect(module.manifest_json.text == #"{"id":"probe-platform"}"#)
        #expect(module.toolchain.text.hasPrefix("Swift 6"))
        #expect(module.plugins![0]!.pointee.id.text == "probe-platform")
        #expect(module.plugins![0]!.pointee.size == UInt32(MemoryLayout<pb_plugin>.size))
    }

    @Test func interfacesFollowTheProtocolsOfTheType() throws {
        let plugin = try probe()
        #expect(
            plugin.table(PB_UPSTREAM_ID, as: pb_upstream.self)?.pointee.size == UInt32(MemoryLayout<pb_upstream>.size))
        #expect(plugin.table(PB_CONTROL_ID, as: pb_control.self)?.pointee.size == UInt32(MemoryLayout<pb_control>.size))
        #expect(plugin.table(PB_CODEC_ID, as: pb_codec.self) == nil)
        #expect(plugin.table("patchbay.future/9", as: pb_codec.self) == nil)
    }

    @Test(arguments: [
        (#"{}"#, "Configuration: greeting is missing."),
        (#"{"greeting":1}"#, "Configuration: greeting must be a string."),
        (#"{"greeting":"x","limit":"y"}"#, "Configuration: limit must be an integer."),
        (#"nonsense"#, "Configuration must be JSON."),
    ])
    func badConfigurationIsRefusedWithTheField(json: String, sentence: String) {
        #expect(throws: Refusal(status: pb_status(PB_E_INVALID), sentence: sentence)) {
            _ = try PluginUnderTest(Probes.platform.pointer, configuration: json, host: host)
        }
    }

    @Test func logLinesBelowTheMinimumAreNotWritten() throws {
        _ = try probe()
        #expect(host.state.withLock { $0.logLines } == ["2 created greeting=hi "])
    }

    @Test func prepareReachesTheBuilder() throws {
        let request = try probe().prepare(baseURL: "http://h", query: "q=1", headers: ["x-given": "y"])
        #expect(request.url == "http://h/p?q=1")
        #expect(request.headers == ["x-format": "openai.chat", "cookie": nil, "x-echo": "y"])
        #expect(request.patches == ["/a/b": "1", "/c": nil])
        #expect(try probe().prepare(baseURL: "http://h").headers["x-echo"] == .some(nil))
    }

    @Test func thrownErrorsBecomeStatusAndSentence() throws {
        let plugin = try probe()
        #expect(throws: Refusal(status: pb_status(PB_E_UNSUPPORTED), sentence: "It is refused.")) {
            _ = try plugin.prepare(operation: "refuse", baseURL: "http://h")
        }
        #expect(throws: Refusal(status: pb_status(PB_E_INTERNAL), sentence: "The plugin failed: Unforeseen()")) {
            _ = try plugin.prepare(operation: "break", baseURL: "http://h")
        }
    }

    @Test func refusalOfTheBuilderFailsTheAttemptAfterwards() throws {
        let plugin = try probe()
        #expect(
            throws: Refusal(status: pb_status(PB_E_INVALID), sentence: "The host refused the URL of the request.")
        ) {
            _ = try plugin.prepare(operation: "space", baseURL: "http://h")
        }
    }

    @Test func verdictCrossesWithAllItsFields() throws {
        let (verdict, reason) = try #require(try probe().classify(status: 418))
        #expect(verdict.fault == UInt32(PB_FAULT_QUOTA) && verdict.retry == UInt32(PB_RETRY_OTHER_ACCOUNT))
        #expect(verdict.flags == UInt32(PB_VERDICT_DISABLE_CREDENTIAL | PB_VERDICT_LOGIN_AGAIN))
        #expect(verdict.cooldown_ms == 2000 && verdict.retry_after_ms == 1500)
        #expect(reason == "short and stout")
    }

    @Test func noVerdictLeavesTheJudgementToTheHost() throws {
        #expect(try probe().classify(status: 500) == nil)
    }
}
