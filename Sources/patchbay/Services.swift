import PatchbayAdmin
import PatchbayCore
import PatchbayGateway
import ServiceLifecycle

/// The gateway as a service: runs until it is asked to end, then drains.
struct GatewayService: Service {
    let gateway: Gateway
    let graceSeconds: Int

    func run() async throws {
        try? await gracefulShutdown()
        await gateway.shutdown(graceSeconds: graceSeconds)
    }
}

/// The admin API as a service.
struct AdminListener: Service {
    let server: AdminServer

    func run() async throws {
        try await server.run()
    }
}

/// Work that goes on until the program ends.
struct BackgroundService: Service {
    let work: @Sendable () async -> Void

    init(_ work: @escaping @Sendable () async -> Void) {
        self.work = work
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await work() }
    }
}
