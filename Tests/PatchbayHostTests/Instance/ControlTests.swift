import CPatchbay
import PatchbayCore
import Synchronization
import Testing

@testable import PatchbayHost

@Suite(.timeLimit(.minutes(5)))
struct ControlTests {
    private let registry: PluginRegistry
    private let workshop: Workshop
    private let instance: PluginInstance
    private let account = AccountContext(
        id: "alpha/main",
        credential: Credential(kind: "password", secrets: ["api_key": Secret("s3cr3t")], fields: ["username": "alice"]))

    init() throws {
        workshop = try Workshop()
        try workshop.build(
            manifest: Workshop.manifest(
                #","permissions":["secrets.reveal"],"config":{"type":"object","properties":{"n":{"type":"integer","default":3}}}"#
            ))
        registry = try workshop.registry()
        registry.scan()
        instance = try registry.instance(
            pluginID: "exerciser", configuration: #"{"a":1}"#, site: "alpha", baseURL: "http://site.example")
    }

    private var counters: PluginDescription.Counters? { registry.plugins.first?.counters }

    private func failure(_ operation: String, timeout: Int? = nil) async -> PluginError? {
        do throws(PluginError) {
            _ = try await instance.invoke(operation, timeoutMilliseconds: timeout)
            return nil
        } catch {
            return error
        }
    }

    // MARK: - Results

    @Test func theHostAddsBaseURLAndAccountToTheArguments() async throws {
        #expect(
            try await instance.invoke("echo", arguments: Array(#"{"x":1,"base_url":"forged"}"#.utf8), account: account)
                .text
                == #"{"x":1,"base_url":"http://site.example","account":{"id":"alpha/main","kind":"password","#
                + #""fields":{"username":"alice"}}}"#)
        #expect(try await instance.invoke("echo").text == #"{"base_url":"http://site.example"}"#)
    }

    @Test func theConfigurationIsCompletedWithDefaults() async throws {
        #expect(try await instance.invoke("config").text == #"{"a":1,"n":3}"#)
    }

    @Test func argumentsMustBeAnObject() async {
        await #expect(throws: PluginError(.invalid, "The arguments must be a JSON object.")) {
            try await instance.invoke("echo", arguments: Array("[]".utf8))
        }
    }

    @Test func errorsKeepStatusRetryAfterAndDetails() async {
        #expect(
            await failure("fail")
                == PluginError(
                    .rateLimited, "Slow down.", httpStatus: 429, retryAfterMilliseconds: 1500, details: #"{"a":1}"#))
    }

    @Test(
        "a plugin that breaks the contract is told from one that fails",
        arguments: [
            (
                "refuse", PluginError.Code.conflict,
                "The plugin exerciser did not accept the operation \"refuse\" (conflict)."
            ),
            ("silent", .internalDefect, "The plugin exerciser said that silent is done, but gave no result."),
            ("garbage", .internalDefect, "The plugin exerciser answered garbage with something that is not JSON."),
            ("unknown", .unsupported, "The plugin exerciser does not support the operation \"unknown\"."),
            ("undeclared", .unsupported, "The plugin exerciser has no operation \"undeclared\"."),
        ])
    func contractBreaches(operation: String, code: PluginError.Code, sentence: String) async {
        #expect(await failure(operation) == PluginError(code, sentence))
    }

    @Test func onlyTheFirstCompletionCounts() async throws {
        #expect(try await instance.invoke("double").text == "1")
        // The second completion happens right after the first one on the worker.
        try await until { counters?.doubleCompletions == 1 }
        #expect(counters?.pendingCalls == 0)
    }

    @Test func onlyBlockingOperationsMayBlock() async throws {
        #expect(try await instance.invoke("flags").text == "true")
        let result = try await instance.invoke("perform", arguments: Array(#"{"url":"http://127.0.0.1:1/"}"#.utf8))
        #expect(result.text.contains("\"error\":-3"))
    }

    @Test func aTimerOfTheHostEndsTheCallLater() async throws {
        #expect(try await instance.invoke("later").text == #"{"later":true}"#)
    }

    // MARK: - Giving up

    @Test func afterTheTimeOutTheCallerHasItsAnswerAndThePluginIsAskedToStop() async throws {
        #expect(
            await failure("hang", timeout: 10)
                == PluginError(.timeout, "The operation hang was not finished within 10 ms."))
        try await until { counters?.lateCompletions == 1 }
        #expect(counters?.timeouts == 1)
        #expect(counters?.pendingCalls == 0)
        try await until { try await instance.invoke("releases").text == "1" }
    }

    @Test func cancellingTheTaskCancelsTheCall() async throws {
        let (signals, signal) = AsyncStream.makeStream(of: PluginError?.self)
        let task = Task {
            do throws(PluginError) {
                _ = try await instance.invoke("hang")
                signal.yield(nil)
            } catch {
                signal.yield(error)
            }
        }
        try await until { counters?.pendingCalls == 1 }
        task.cancel()
        for await error in signals {
            #expect(error == PluginError(.cancelled, "The call was cancelled."))
            break
        }
        try await until { counters?.pendingCalls == 0 }
        try await until { try await instance.invoke("releases").text == "1" }
    }

    @Test func aCancelledCallThatHasNotBegunNeverReachesThePlugin() async throws {
        let (results, result) = AsyncStream.makeStream(of: Result<[UInt8], PluginError>.self)
        let blocked = (0..<LoadedPlugin.slots).map { _ in instance.invoke("block") { _ in result.yield(.success([])) } }
        let waiting = instance.invoke("echo") { result.yield($0) }
        waiting.cancel()
        for await first in results {
            #expect(first == .failure(PluginError(.cancelled, "The call was cancelled.")))
            break
        }
        let another = try registry.instance(pluginID: "exerciser")
        withExtendedLifetime((blocked, another)) {}
        try await open(count: LoadedPlugin.slots)
    }

    /// Lets blocked calls go. The operation that does it would wait behind them, so it is called past the queue.
    private func open(count: Int) async throws {
        for _ in 0..<count {
            let runtime = instance.plugin.runtime
            let lane = WorkerPool.Lane(name: "test", slots: 1, bound: 8)
            await withCheckedContinuation { continuation in
                let call = PendingCall(
                    operation: "open", instance: instance, account: nil, deadline: 0, mayBlock: false, traceID: ""
                ) { _ in continuation.resume() }
                let admission = runtime.pool.submit(to: lane) {
                    var name = call.operation
                    _ = call.begin()
                    _ = name.withUTF8 {
                        instance.plugin.module.control?.invoke?(
                            instance.handle, .init(UnsafeRawBufferPointer($0)), .absent, call.record)
                    }
                }
                #expect(admission == .accepted)
            }
        }
    }

    @Test func stoppingTheHostAnswersEveryCaller() async throws {
        let (errors, error) = AsyncStream.makeStream(of: PluginError?.self)
        for _ in 0..<3 {
            instance.invoke("hang") { result in
                if case .failure(let failure) = result { error.yield(failure) } else { error.yield(nil) }
            }
        }
        try await until { counters?.pendingCalls == 3 }
        registry.stop()
        instance.invoke("echo") { result in
            if case .failure(let failure) = result { error.yield(failure) } else { error.yield(nil) }
        }
        var iterator = errors.makeAsyncIterator()
        for _ in 0..<4 { #expect(await iterator.next() == PluginError(.unavailable, "The host is stopping.")) }
    }

    // MARK: - Bounds

    @Test func aPluginThatHangsHasBoundedSlotsAndABoundedQueue() async throws {
        let total = LoadedPlugin.slots + LoadedPlugin.queueBound
        let (results, result) = AsyncStream.makeStream(of: Result<[UInt8], PluginError>.self)
        for _ in 0..<LoadedPlugin.slots { instance.invoke("block") { result.yield($0) } }
        let lane = instance.plugin.lane
        try await until { instance.plugin.runtime.pool.load(of: lane).running >= LoadedPlugin.slots }
        for _ in 0..<LoadedPlugin.queueBound { instance.invoke("block") { result.yield($0) } }
        #expect(instance.plugin.runtime.pool.load(of: lane) == (LoadedPlugin.queueBound, LoadedPlugin.slots))
        instance.invoke("block") { result.yield($0) }
        var iterator = results.makeAsyncIterator()
        #expect(
            await iterator.next()
                == .failure(
                    PluginError(.unavailable, "The plugin exerciser has 256 calls waiting; no more are taken.")))
        #expect(counters?.refusedCalls == 1)
        try await open(count: total)
        for _ in 0..<total { #expect(try await iterator.next()?.get().text == "\"unblocked\"") }
    }

    @Test func manyCallsAtOnceAreAllAnswered() async throws {
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<200 { group.addTask { try await instance.invoke("later").text } }
            for try await text in group { #expect(text == #"{"later":true}"#) }
        }
    }

    // MARK: - Services

    @Test func secretsAreThereForWhoMayReadThem() async throws {
        #expect(try await instance.invoke("reveal", account: account).text == #"[1,0,"s3cr3t"]"#)
        #expect(try await instance.invoke("reveal").text == #"[0,-4,""]"#)
    }

    @Test func revealingTakesThePermission() async throws {
        let other = try Workshop()
        try other.build()
        let registry = try other.registry()
        defer { registry.stop() }
        registry.scan()
        let instance = try registry.instance(pluginID: "exerciser")
        #expect(try await instance.invoke("reveal", account: account).text == #"[1,-3,""]"#)
    }

    @Test func valuesAreKeptWithCompareAndSet() async throws {
        #expect(
            try await instance.invoke("kv", account: account).text
                == #"{"value":"value","codes":[0,-5,0,0,0,0,-4,-1]}"#)
    }

    @Test func jsonIsWalkedWithoutALibrary() async throws {
        let arguments =
            #"{"list":[1,"a\"",["b",2],{"c":"d"},null,true,false,"k"],"object":{"k\n":"v","n":[1, 2],"e":{}}}"#
        #expect(
            try await instance.invoke("walk", arguments: Array(arguments.utf8)).text
                == #"[4,5,6,7,1,3,2,5,"k\n","v","n",[1,2],"e",{},8,3]"#)
    }
}
