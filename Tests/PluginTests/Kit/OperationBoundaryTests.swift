import CPatchbay
import Synchronization
import PatchbayPlugin
import Testing

@Suite struct OperationBoundaryTests {
    func probe(_ host: FakeHost = FakeHost()) throws -> PluginUnderTest {
        try PluginUnderTest(Probes.platform.pointer, configuration: #"{"greeting":"hi "}"#, host: host)
    }

    @Test func argumentsAndResultAreDocuments() async throws {
        #expect(try await probe().invoke("echo", #"{"text":"Ann"}"#) == .result(#"{"text":"hi Ann"}"#))
        #expect(try await probe().invoke("raw", #"{"a":[1]}"#) == .result(#"{"a":[1]}"#))
    }

    @Test func unknownOperationIsNotAccepted() throws {
        let call = FakeCall()
        #expect(try probe().start("nothing", "{}", call) == pb_status(PB_E_UNSUPPORTED))
        #expect(call.endings.isEmpty)
    }

    @Test(arguments: [
        (#"{}"#, "Arguments: text is missing."),
        (#"{"text":null}"#, "Arguments: text is null but must be a string."),
        (#"[]"#, ""), (#"{"text":"#, "Arguments must be JSON."),
    ])
    func badArgumentsFailWithTheMember(json: String, sentence: String) async throws {
        let ending = try await probe().invoke("echo", json)
        #expect(ending.code == pb_status(PB_E_INVALID))
        if !sentence.isEmpty { #expect(ending.message == sentence) }
    }

    @Test func errorCarriesCodeStatusAndWait() async throws {
        #expect(
            try await probe().invoke("throw")
                == .failure(
                    code: pb_status(PB_E_RATE_LIMITED), message: "Slow down.", httpStatus: 429, retryAfter: 3000))
        #expect(try await probe().invoke("break").code == pb_status(PB_E_INTERNAL))
    }

    @Test func contextComesFromTheArguments() async throws {
        let arguments = #"{"base_url":"https://s/","account":{"id":"s/a","kind":"password","fields":{"user_id":"42"}}}"#
        #expect(try await probe().invoke("context", arguments) == .result(#"{"text":"https://s s/a 42"}"#))
        #expect(try await probe().invoke("context", "{}") == .result(#"{"text":" - -"}"#))
    }

    @Test func cancellingTheCallCancelsTheTask() async throws {
        let call = FakeCall()
        #expect(try probe().start("wait", "{}", call) == pb_status(PB_PENDING))
        call.cancel()
        #expect(await call.ending().code == pb_status(PB_E_CANCELLED))
        #expect(call.endings.count == 1 && call.releases == 1)
    }

    @Test func cancellingBeforeTheTaskRunsIsNotLost() async throws {
        let plugin = try probe()
        for _ in 0..<200 {
            let call = FakeCall()
            _ = plugin.start("wait", "{}", call)
            call.cancel()
            #expect(await call.ending().code == pb_status(PB_E_CANCELLED))
        }
    }

    @Test func cancellationReachesAnAnswerThatIsAwaited() async throws {
        let host = FakeHost()
        host.state.withLock { $0.isSilent = true }
        let call = FakeCall()
        let plugin = try probe(host)
        #expect(plugin.start("fetch", #"{"base_url":"https://s"}"#, call) == pb_status(PB_PENDING))
        while host.state.withLock({ $0.waiting.isEmpty }) { await Task.yield() }
        call.cancel()
        host.cancelWaiting()
        #expect(await call.ending().code == pb_status(PB_E_CANCELLED))
    }

    @Test func releaseOfTheListenerComesOnceWithoutCancellation() async throws {
        let call = FakeCall()
        _ = try probe().start("echo", #"{"text":""}"#, call)
        _ = await call.ending()
        #expect(call.releases == 1 && call.endings.count == 1)
        call.cancel()
        #expect(call.releases == 1)
    }

    @Test func callIsUselessAfterItsEnd() async throws {
        let host = FakeHost(.json("{}"))
        let plugin = try probe(host)
        #expect(await plugin.invoke("leave").result == "{}")
        await LeftTask.shared.release()
        #expect(await LeftTask.shared.result() == "The call is over.")
        #expect(host.requests.isEmpty)
    }

    @Test func manyCallsAtOnceAreEachEndedOnce() async throws {
        let plugin = try probe(FakeHost(.json("\"x\"")))
        let calls = (0..<500).map { _ in FakeCall() }
        for call in calls {
            #expect(plugin.start("fetch", #"{"base_url":"https://s"}"#, call) == pb_status(PB_PENDING))
        }
        for call in calls { #expect(await call.ending().result == #"{"text":"\"x\""}"#) }
        #expect(calls.allSatisfy { $0.endings.count == 1 && $0.releases == 1 })
    }
}
