internal import CPatchbay
package import PatchbayCore
internal import Synchronization

/// One configured instance of a plugin. It is destroyed when the last reference is gone; calls in flight, codecs and
/// streams hold one.
package final class PluginInstance: Sendable {
    package let site: SiteContext
    let plugin: LoadedPlugin
    let context: InstanceContext
    // Only passed back to the plugin, which promises that its functions may be called from any thread.
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer?
    /// Origins that `prepare` may send to besides the site's own.
    let origins: [URLOrigin]

    package var pluginID: String { plugin.id }
    /// Counts the images loaded for this plugin id; a changed file is the next generation.
    package var generation: Int { plugin.generation }
    /// What ``prepare(_:into:)`` says does not depend on the size of the body, so that it may be kept for attempts in
    /// which everything else is the same.
    package let preparesForAnySize: Bool
    package var supportsUpstream: Bool { plugin.module.upstream?.prepare != nil }
    package var supportsControl: Bool { plugin.module.control?.invoke != nil }
    /// Wire formats that sites of this platform speak unless they say otherwise.
    package var speaks: [WireFormat] { plugin.manifest.speaks }

    /// Makes an instance. Runs the plugin's `create` on this thread, which does no I/O.
    ///
    /// - Throws: ``PluginError`` with the sentence of the schema check or of the plugin.
    init(of plugin: LoadedPlugin, configuration: String, site: SiteContext) throws(PluginError) {
        let completed = try ConfigurationSchema(plugin.manifest.configurationSchema).complete(configuration)
        let context = InstanceContext(plugin: plugin, site: site)
        var handle: UnsafeMutableRawPointer?
        var sentence = ByteSink(limit: 4096)
        let status = plugin.withLoading {
            completed.withUnsafeBytes { bytes in
                sentence.withSink { sink in
                    plugin.module.record.create(plugin.module.plugin, context.record, pb_str(bytes), &handle, sink)
                }
            }
        }
        guard status == Status.ok else {
            throw PluginError(status: status, sink: sentence, doing: "create an instance", plugin: plugin.id)
        }
        self.plugin = plugin
        self.context = context
        self.handle = handle
        self.site = site
        preparesForAnySize = (plugin.module.upstream?.flags ?? 0) & UInt64(PB_UPSTREAM_IGNORES_SIZE) != 0
        origins = plugin.manifest.origins.compactMap { URLOrigin($0) }
        plugin.statistics.instances.add(1, ordering: .relaxed)
        context.attach(self)
    }

    deinit {
        let remains = Remains(plugin: plugin, context: context, handle: handle)
        // Off this thread: the last reference may go on an event loop or on the plugin's own stack.
        let runtime = plugin.runtime
        if runtime.servicePool.submit(to: runtime.lifecycle, { remains.destroy() }) != .accepted { remains.destroy() }
    }
}

/// What is needed to destroy an instance whose Swift object is gone.
// Needs no lock: made once and handed to the one thread that ends the instance.
private struct Remains: @unchecked Sendable {
    // The handle is only passed back to the plugin.
    let plugin: LoadedPlugin
    let context: InstanceContext
    let handle: UnsafeMutableRawPointer?

    func destroy() {
        plugin.withLoading { plugin.module.record.destroy(handle) }
        plugin.statistics.instances.subtract(1, ordering: .relaxed)
        // The record of the host stays valid until destroy has returned.
        withExtendedLifetime(context) {}
    }
}
