#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
internal import CPatchbay
internal import Logging
internal import PatchbayCore

/// The host as one instance sees it: the `pb_host` record and what its services need to know.
final class InstanceContext: Sendable {
    private struct Reference {
        weak var instance: PluginInstance?
    }

    let pluginID: String
    let site: SiteContext
    let mayRevealSecrets: Bool
    let runtime: HostRuntime
    let logger: Logger
    let logLimit: LogLimit
    private let reference = Locked(Reference())
    // Written before the object is shared; the plugin only reads it.
    nonisolated(unsafe) private let memory: UnsafeMutablePointer<pb_host>

    var record: UnsafePointer<pb_host> { UnsafePointer(memory) }

    /// The instance; nil while it is being created and when it is going away.
    var instance: PluginInstance? {
        reference.withLock { $0.instance }
    }

    init(plugin: LoadedPlugin, site: SiteContext) {
        pluginID = plugin.id
        self.site = site
        mayRevealSecrets = plugin.manifest.mayRevealSecrets
        runtime = plugin.runtime
        logLimit = plugin.logLimit
        var logger = plugin.runtime.logger
        logger[metadataKey: "plugin"] = "\(plugin.id)"
        if !site.name.isEmpty { logger[metadataKey: "site"] = "\(site.name)" }
        self.logger = logger
        memory = UnsafeMutablePointer<pb_host>.allocate(capacity: 1)
        memory.initialize(
            to: pb_host(
                size: UInt32(MemoryLayout<pb_host>.size), abi_major: UInt16(PB_ABI_MAJOR),
                abi_minor: UInt16(PB_ABI_MINOR),
                host_version: pb_str(runtime.version.view), ctx: Unmanaged.passUnretained(self).toOpaque(),
                get: Self.service))
    }

    deinit {
        memory.deallocate()
    }

    func attach(_ instance: PluginInstance) {
        reference.withLock { $0.instance = instance }
    }

    static func of(_ host: UnsafePointer<pb_host>?) -> InstanceContext? {
        guard let context = host?.pointee.ctx else { return nil }
        return Unmanaged<InstanceContext>.fromOpaque(context).takeUnretainedValue()
    }

    private static let service: @convention(c) (UnsafePointer<pb_host>?, UnsafePointer<CChar>?) -> UnsafeRawPointer? = {
        host, id in
        guard let context = InstanceContext.of(host), let id else { return nil }
        if strcmp(id, PB_LOG_ID) == 0 { return UnsafeRawPointer(context.runtime.logTable) }
        if strcmp(id, PB_HTTP_ID) == 0 { return UnsafeRawPointer(HTTPService.table.pointer) }
        if strcmp(id, PB_KV_ID) == 0 { return UnsafeRawPointer(KeyValueService.table.pointer) }
        if strcmp(id, PB_SECRETS_ID) == 0 { return UnsafeRawPointer(SecretsService.table.pointer) }
        if strcmp(id, PB_JSON_ID) == 0 { return UnsafeRawPointer(JSONService.table.pointer) }
        if strcmp(id, PB_CLOCK_ID) == 0 { return UnsafeRawPointer(ClockService.table.pointer) }
        return nil
    }

    /// A host for the entry function, which may ask for nothing.
    static func withBareHost<Result>(version: StableBytes, _ body: (UnsafePointer<pb_host>) -> Result) -> Result {
        var host = pb_host(
            size: UInt32(MemoryLayout<pb_host>.size), abi_major: UInt16(PB_ABI_MAJOR), abi_minor: UInt16(PB_ABI_MINOR),
            host_version: pb_str(version.view), ctx: nil, get: { _, _ in nil })
        return withUnsafePointer(to: &host, body)
    }
}
