import Logging
import PatchbayAdmin
import PatchbayConfiguration
import PatchbayCore
import PatchbayGateway
import PatchbayHost
import PatchbayStore
import PatchbayTelemetry
import PatchbayUpstream
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The composition root of `serve`: makes every part, wires them, and ends them in order.
struct Server {
    let options: ServeOptions

    func run() async throws {
        prepareProcess()
        let settings = LogSettings(environment: Environment.all)
        LoggingSystem.bootstrap(settings.factory())
        let logger = Logger(label: "patchbay")
        var configuration = try loadFile()
        let store = try openStore()
        let firstStart = try await FirstStart.prepare(&configuration, store: store, logger: logger)
        let egress = try Self.checking("egress") { try EgressPolicy(allow: configuration.egress.allow) }
        let loops = configuration.gateway.eventLoops ?? coreCount
        configuration.gateway.eventLoops = loops
        let metrics = GatewayMetrics(registry: MetricRegistry(shards: loops), version: Version.text)
        let importer = try Self.checking("ledger") {
            try LedgerImporter(store: store, directory: options.dataDirectory)
        }
        let gateway = try Gateway(
            configuration: configuration.gateway,
            services: Gateway.Services(
                egress: egress, tls: try Self.upstreamTLS(), ledgerDirectory: options.dataDirectory, metrics: metrics),
            logger: Logger(label: "patchbay.gateway"))
        let registry = PluginRegistry(
            directories: options.pluginDirectories ?? Environment.defaultPluginDirectories,
            runDirectory: "\(options.dataDirectory)/run",
            services: HostServices(
                version: Version.text, keyValues: StoredPluginValues(store: store), egress: egress))
        registry.scan()
        let control = ControlPlane(
            file: configuration, store: store, registry: registry, gateway: gateway,
            logger: Logger(label: "patchbay.control"))
        let backend = LocalAdminBackend(
            control: control, store: store, registry: registry, gateway: gateway, metrics: metrics)
        try await serve(
            Parts(
                configuration: configuration, store: store, importer: importer, gateway: gateway, registry: registry,
                control: control, backend: backend, firstStart: firstStart))
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

    private struct Parts {
        var configuration: Configuration
        var store: Store
        var importer: LedgerImporter
        var gateway: Gateway
        var registry: PluginRegistry
        var control: ControlPlane
        var backend: LocalAdminBackend
        var firstStart: FirstStart
    }

    private func serve(_ parts: Parts) async throws {
        try Self.checking("ledger") { try parts.importer.start() }
        await parts.control.restoreDiscovered()
        await parts.control.reload()
        let (changes, notice) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        parts.registry.onChange {
            Task {
                await parts.control.reload()
                notice.yield()
            }
        }
        await parts.backend.onChange { notice.yield() }
        parts.registry.startWatching()
        let address: ListenAddress
        do {
            address = try await parts.gateway.start()
        } catch {
            end(parts)
            throw StartError(
                sentence: "gateway: \(parts.configuration.gateway.listen) cannot be listened on: \(error)")
        }
        let adminAddress = parts.configuration.admin.listen
        let firstStart = parts.firstStart
        let admin = AdminServer(
            service: AdminService(
                backend: parts.backend, token: BearerToken(firstStart.adminToken),
                metricsAreOpen: adminAddress.isLoopback, version: Version.text,
                logger: Logger(label: "patchbay.admin")),
            listen: adminAddress, logger: Logger(label: "patchbay.admin")
        ) { port in
            firstStart.announce(gateway: address, admin: ListenAddress(host: adminAddress.host, port: port))
        }
        let discovery = ModelDiscovery(
            control: parts.control, store: parts.store, logger: Logger(label: "patchbay.discovery"))
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: GatewayService(gateway: parts.gateway, graceSeconds: 30),
                        successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(
                        service: BackgroundService { await discovery.run(changes: changes) },
                        successTerminationBehavior: .ignore),
                    .init(
                        service: AdminListener(server: admin),
                        successTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "patchbay.lifecycle")))
        notice.yield()
        do {
            try await group.run()
        } catch {
            end(parts)
            throw StartError(sentence: "the gateway ended: \(error)")
        }
        end(parts)
    }

    private func end(_ parts: Parts) {
        parts.importer.stop()
        parts.registry.stop()
        parts.store.close()
    }

    // MARK: - Pieces

    private func loadFile() throws -> Configuration {
        var configuration = Configuration()
        if let path = options.configurationPath {
            do {
                configuration = try ConfigurationFile.load(path: path, environment: Environment.all)
            } catch {
                throw StartError(sentence: error.problems.map { "\($0)" }.joined(separator: "\n"))
            }
        }
        if let listen = options.listen { configuration.gateway.listen = listen }
        if let listen = options.adminListen { configuration.admin.listen = listen }
        return configuration
    }

    private func openStore() throws -> Store {
        try Self.checking("data directory") {
            guard mkdir(options.dataDirectory, 0o700) == 0 || errno == EEXIST else {
                throw StartError(
                    sentence: "\(options.dataDirectory) cannot be made: \(String(cString: strerror(errno)))")
            }
            let environmentKey = Environment.value("PATCHBAY_SEALING_KEY").map { Secret($0) }
            let sealing = try SealingKey.load(directory: options.dataDirectory, environment: environmentKey)
            return try Store(directory: options.dataDirectory, sealing: sealing)
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

    private var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// A peer that hangs up must not end the process, and many streams need many descriptors.
    private func prepareProcess() {
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
    }
}
