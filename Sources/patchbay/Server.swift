import Logging
import PatchbayAdmin
import PatchbayConfiguration
import PatchbayCore
import PatchbayGateway
import PatchbayHost
import PatchbayStore
import PatchbayTelemetry
import PatchbayUpstream

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The composition root of `serve`: makes every part, wires them, and ends them in order.
struct Server {
    let options: ServeOptions

    /// Serves until the process is asked to end.
    func run() async throws -> ServeOutcome {
        var clock = StartClock()
        let requests = ProcessSignals.requests()
        prepareProcess()
        LoggingSystem.bootstrap(LogSettings(environment: Environment.all).factory())
        let parts = try await makeParts(&clock)
        return try await serve(parts, requests: requests, clock: clock)
    }

    private struct Parts {
        var source: FileConfiguration
        var configuration: Configuration
        var prepared: ControlPlane.Prepared
        var store: Store
        var importer: LedgerImporter
        var gateway: Gateway
        var tls: UpstreamTLS
        var registry: PluginRegistry
        var metrics: GatewayMetrics
        var degradations: Degradations
        var firstStart: FirstStart
    }

    // MARK: - Making the parts

    /// Plugins are loaded beside everything else: that takes longest and needs nothing but the store.
    private func makeParts(_ clock: inout StartClock) async throws -> Parts {
        clock.mark("program")
        let store = try openStore()
        clock.mark("store")
        let registry = PluginRegistry(
            directories: options.pluginDirectories ?? Environment.defaultPluginDirectories,
            runDirectory: "\(options.dataDirectory)/run",
            services: HostServices(
                version: Version.text, keyValues: StoredPluginValues(store: store), egress: try EgressPolicy()))
        async let scanned: Void = registry.scan()
        var source = FileConfiguration(options)
        let read = try Self.reading(source)
        clock.mark("file")
        let stored = try await Self.checking("store") { try await store.loadDefinitions() }
        clock.mark("definitions")
        let firstStart = try await FirstStart.prepare(
            read, stored, store: store, logger: Logger(label: "patchbay"))
        source.additions = firstStart.additions
        let configuration = read.adding(firstStart.additions)
        async let foundation = makeFoundation(configuration, store: store)
        await scanned
        clock.mark("plugins")
        let prepared = await ControlPlane.prepare(
            file: configuration, stored: stored, store: store, registry: registry)
        clock.mark("tables")
        let made = try await foundation
        registry.setEgress(made.egress)
        clock.mark("gateway")
        return Parts(
            source: source, configuration: configuration, prepared: prepared, store: store, importer: made.importer,
            gateway: made.gateway, tls: made.tls, registry: registry, metrics: made.metrics,
            degradations: Degradations(gateway: made.gateway), firstStart: firstStart)
    }

    /// What requests go through and are counted in.
    private struct Foundation: Sendable {
        var egress: EgressPolicy
        var tls: UpstreamTLS
        var metrics: GatewayMetrics
        var importer: LedgerImporter
        var gateway: Gateway
    }

    private func makeFoundation(_ configuration: Configuration, store: Store) async throws -> Foundation {
        var gatewayConfiguration = configuration.gateway
        let loops = gatewayConfiguration.eventLoops ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        gatewayConfiguration.eventLoops = loops
        let egress = try Self.checking("egress") { try EgressPolicy(allow: configuration.egress.allow) }
        let metrics = GatewayMetrics(registry: MetricRegistry(shards: loops), version: Version.text)
        let importer = try Self.checking("ledger") {
            try LedgerImporter(store: store, directory: options.dataDirectory)
        }
        let tls = try Self.upstreamTLS()
        let gateway = try Gateway(
            configuration: gatewayConfiguration,
            services: Gateway.Services(
                egress: egress, tls: tls, ledgerDirectory: options.dataDirectory, metrics: metrics,
                sealing: store.sealing),
            logger: Logger(label: "patchbay.gateway"))
        return Foundation(egress: egress, tls: tls, metrics: metrics, importer: importer, gateway: gateway)
    }

    /// Trusts the authorities of the system, or those of the PEM file that `SSL_CERT_FILE` names.
    private static func upstreamTLS() throws -> UpstreamTLS {
        guard let path = Environment.value("SSL_CERT_FILE") else { return try UpstreamTLS() }
        do {
            return try UpstreamTLS(trustRoots: .file(path))
        } catch {
            throw StartError(sentence: "SSL_CERT_FILE: \(path) is not a readable file of PEM certificates")
        }
    }

    // MARK: - Serving

    private func serve(
        _ parts: Parts, requests: AsyncStream<ProcessRequest>, clock: StartClock
    ) async throws -> ServeOutcome {
        var clock = clock
        try Self.checking("ledger") { try parts.importer.start() }
        let control = makeControl(parts)
        await control.start(with: parts.prepared)
        clock.mark("snapshot")
        let (changes, notice) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        parts.registry.onChange {
            Task {
                await control.reload()
                notice.yield()
            }
        }
        let backend = LocalAdminBackend(
            control: control, store: parts.store, registry: parts.registry, gateway: parts.gateway,
            metrics: parts.metrics, degradations: parts.degradations)
        await backend.onChange { notice.yield() }
        let address = try await listen(parts)
        clock.mark("listening")
        clock.log(to: Logger(label: "patchbay"))
        parts.registry.startWatching()
        if parts.configuration.sites.contains(where: { $0.baseURL.hasPrefix("https:") }) {
            let tls = parts.tls
            HostThread.start(name: "pb-tls") { tls.prepare() }
        }
        let events = ServeEvents(requests)
        let admin = startAdmin(parts, backend: backend, control: control, gatewayAddress: address, events: events)
        await watchFile(parts, control: control, service: admin.service, events: events)
        let background = startBackground(parts, control: control, changes: changes)
        notice.yield()
        let failure = await handle(events, control: control, changed: { notice.yield() })
        let result = await parts.gateway.drain(await control.drain)
        for task in background { task.cancel() }
        admin.task.cancel()
        _ = await admin.task.result
        end(parts)
        if let failure { throw StartError(sentence: "admin: \(parts.configuration.admin.listen): \(failure)") }
        return result.cutOff == 0 ? .finished : .cutOff(result.cutOff)
    }

    private func makeControl(_ parts: Parts) -> ControlPlane {
        let reloads = ReloadMetrics(parts.metrics.registry)
        return ControlPlane(
            file: parts.configuration, source: parts.source,
            parts: .init(
                store: parts.store, registry: parts.registry, gateway: parts.gateway,
                degradations: parts.degradations, reloads: reloads),
            logger: Logger(label: "patchbay.control"))
    }

    private func listen(_ parts: Parts) async throws -> ListenAddress {
        let address = parts.configuration.gateway.listen
        do {
            return try await parts.gateway.start(on: address)
        } catch {
            end(parts)
            throw StartError(sentence: "gateway: \(address) cannot be listened on: \(error)")
        }
    }

    private func startAdmin(
        _ parts: Parts, backend: LocalAdminBackend, control: ControlPlane, gatewayAddress: ListenAddress,
        events: ServeEvents
    ) -> (service: AdminService, task: Task<Void, Never>) {
        let listen = parts.configuration.admin.listen
        let logger = Logger(label: "patchbay.admin")
        let firstStart = parts.firstStart
        let service = AdminService(
            backend: backend, token: BearerToken(firstStart.adminToken), metricsAreOpen: listen.isLoopback,
            version: Version.text, logger: logger)
        let server = AdminServer(service: service, listen: listen, logger: logger) { port in
            firstStart.announce(gateway: gatewayAddress, admin: ListenAddress(host: listen.host, port: port))
        }
        let task = Task {
            do {
                try await server.run()
                events.ended(nil)
            } catch {
                events.ended("\(error)")
            }
        }
        return (service, task)
    }

    private func watchFile(
        _ parts: Parts, control: ControlPlane, service: AdminService, events: ServeEvents
    ) async {
        guard let path = parts.source.path else { return }
        let watcher = FileWatcher(paths: [path]) { events.fileChanged() }
        await control.observe(files: { watcher.watch($0) }, token: { service.setToken(BearerToken($0)) })
        watcher.start()
    }

    private func startBackground(
        _ parts: Parts, control: ControlPlane, changes: AsyncStream<Void>
    ) -> [Task<Void, Never>] {
        let discovery = ModelDiscovery(
            control: control, store: parts.store, logger: Logger(label: "patchbay.discovery"))
        let watch = LedgerWatch(
            importer: parts.importer, gateway: parts.gateway, degradations: parts.degradations,
            registry: parts.metrics.registry)
        let trim = MemoryTrim(gateway: parts.gateway)
        return [
            Task { await discovery.run(changes: changes) }, Task { await watch.run() }, Task { await trim.run() },
        ]
    }

    /// Reloads as often as it is asked; returns when the process has to end, with the reason if it is a failure.
    private func handle(
        _ events: ServeEvents, control: ControlPlane, changed: @Sendable () -> Void
    ) async -> String? {
        for await event in events.stream {
            switch event {
            case .reload(let cause):
                await control.reloadFile(cause)
                changed()
            case .end: return nil
            case .adminEnded(let reason): return reason
            }
        }
        return nil
    }

    private func end(_ parts: Parts) {
        parts.importer.stop()
        parts.registry.stop()
        parts.store.close()
    }

    // MARK: - Pieces

    private static func reading(_ source: FileConfiguration) throws -> Configuration {
        do {
            return try source.read(mayBeEmpty: true).outcome.get()
        } catch {
            throw StartError(sentence: error.problems.map { "\($0)" }.joined(separator: "\n"))
        }
    }

    private func openStore() throws -> Store {
        try Self.checking("data directory") {
            guard mkdir(options.dataDirectory, 0o700) == 0 || errno == EEXIST else {
                throw StartError(
                    sentence: "\(options.dataDirectory) cannot be made: \(String(cString: strerror(errno)))")
            }
            let environmentKey = Environment.value("PATCHBAY_SEALING_KEY").map { Secret($0) }
            let sealing = try SealingKey.load(directory: options.dataDirectory, environment: environmentKey)
            let store = try Store(directory: options.dataDirectory, sealing: sealing)
            if let problem = store.writingProblem {
                Logger(label: "patchbay.store").error(
                    "store cannot be written, its definitions are used as they are", metadata: ["reason": "\(problem)"])
            }
            return store
        }
    }

    /// Turns any error into one that names the part that could not be made.
    private static func checking<Value>(_ part: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as StartError {
            throw error
        } catch {
            throw StartError(sentence: "\(part): \(error)")
        }
    }

    private static func checking<Value>(_ part: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw StartError(sentence: "\(part): \(error)")
        }
    }

    /// A peer that hangs up must not end the process, and many streams need many descriptors.
    private func prepareProcess() {
        RuntimeSettings.apply()
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
    }
}
