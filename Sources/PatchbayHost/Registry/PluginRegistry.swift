package import Logging
package import PatchbayCore

/// The plugins of a process: finds files, checks and loads them, makes instances.
///
/// Thread-safe. At most one plugin per id; a changed file becomes the next generation of its plugin, which new
/// instances use while older ones live on.
package final class PluginRegistry: Sendable {
    struct Refused {
        var refusal: PluginRefusal
        var sha256: String?
        var manifest: PluginManifest?
    }

    struct State {
        /// The newest generation by id.
        var plugins: [String: LoadedPlugin] = [:]
        /// Files that are not used, by path; also newer content of files that are.
        var refused: [String: Refused] = [:]
        /// Files that were looked at, by path.
        var seen: [String: FileIdentity] = [:]
        /// Reasons by id.
        var quarantined: [String: String] = [:]
        var codecs: [WireFormat: FormatCodec] = [:]
        var observers: [@Sendable () -> Void] = []
        var watcher: DirectoryWatcher?
    }

    let directories: [String]
    /// Directory of the running program: a build directory holds libraries that are no plugins.
    let ownDirectory: String?
    let runtime: HostRuntime
    let loader: ImageLoader
    let state = Locked(State())
    /// Scans run one at a time; never taken together with `state` in the other order.
    let scanning = Locked(())

    /// - Parameters:
    ///   - directories: searched in order; a directory that does not exist is looked for again later.
    ///   - runDirectory: private to the process's user; images are copied there while they are loaded.
    package init(
        directories: [String], runDirectory: String, services: HostServices,
        logger: Logger = Logger(label: "patchbay.plugins")
    ) {
        self.directories = directories.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        ownDirectory = PluginFile.realPath("/proc/self/exe").flatMap { path in
            path.lastIndex(of: "/").map { String(path[..<$0]) }
        }
        runtime = HostRuntime(services: services, logger: logger)
        loader = ImageLoader(directory: runDirectory)
        loader.removeLeftovers()
    }

    deinit {
        stop()
    }

    /// Stops watching, fails what is in flight and lets the host's threads end. Loaded images stay mapped. Instances
    /// that are still referenced can no longer be called.
    package func stop() {
        let watcher = state.withLock { $0.watcher.take() }
        watcher?.stop()
        runtime.stop()
    }

    // MARK: - Using plugins

    /// Loaded and refused files, by id and file name.
    package var plugins: [PluginDescription] {
        let (plugins, refused, quarantined) = state.withLock { ($0.plugins, $0.refused, $0.quarantined) }
        var descriptions = plugins.values.map { plugin in
            PluginDescription(
                plugin, state: quarantined[plugin.id].map { .quarantined($0) } ?? .loaded,
                rejectedUpdate: refused[plugin.file]?.refusal)
        }
        let loadedFiles = Set(plugins.values.map(\.file))
        for (path, file) in refused where !loadedFiles.contains(path) {
            descriptions.append(
                PluginDescription(file: path, sha256: file.sha256, refusal: file.refusal, manifest: file.manifest))
        }
        return descriptions.sorted { ($0.id ?? "~", $0.file) < ($1.id ?? "~", $1.file) }
    }

    /// Makes an instance of the newest generation of a plugin.
    ///
    /// - Parameters:
    ///   - configuration: a JSON object, checked against the manifest's schema and completed with its defaults.
    ///   - site: name of the site; empty for instances that belong to none.
    ///   - baseURL: of the site, without a trailing slash; given to every control operation.
    /// - Throws: ``PluginError``: `notFound` if there is no such plugin, `unavailable` if it is quarantined, `invalid`
    ///   with a sentence about the configuration.
    package func instance(
        pluginID: String, configuration: String = "{}", site: String = "", baseURL: String = ""
    ) throws(PluginError) -> PluginInstance {
        let (plugin, reason, refusal) = state.withLock { state in
            let refusal = state.refused.values.first { $0.manifest?.id == pluginID }?.refusal
            return (state.plugins[pluginID], state.quarantined[pluginID], refusal)
        }
        guard let plugin else {
            if let refusal {
                throw PluginError(.unavailable, "The plugin \(pluginID) was refused: \(refusal.sentence)")
            }
            throw PluginError(.notFound, "There is no plugin with the id \(pluginID).")
        }
        if let reason { throw PluginError(.unavailable, "The plugin \(pluginID) is quarantined: \(reason)") }
        return try PluginInstance(
            of: plugin, configuration: configuration, site: SiteContext(name: site, baseURL: baseURL))
    }

    /// The codec of a wire format; nil if no format plugin provides it.
    package func codec(for format: WireFormat) -> FormatCodec? {
        state.withLock { $0.codecs[format] }
    }

    /// All wire formats that can be converted.
    package var formats: [WireFormat] {
        state.withLock { $0.codecs.keys.sorted { $0.rawValue < $1.rawValue } }
    }

    /// Newest generation of a plugin, to find out whether an instance is outdated; nil if there is no such plugin.
    package func generation(of pluginID: String) -> Int? {
        state.withLock { $0.plugins[pluginID]?.generation }
    }

    /// Makes no new instances of a plugin until ``release(pluginID:)``. Those that exist go on.
    package func quarantine(pluginID: String, reason: String) {
        state.withLock { $0.quarantined[pluginID] = reason }
        runtime.logger.warning("plugin quarantined", metadata: ["plugin": "\(pluginID)", "reason": "\(reason)"])
        notify()
    }

    package func release(pluginID: String) {
        state.withLock { $0.quarantined[pluginID] = nil }
        notify()
    }

    /// Applies to connections that plugins open from now on.
    package func setEgress(_ policy: EgressPolicy) {
        runtime.http.setEgress(policy)
    }

    // MARK: - Changes

    /// Calls `body` on a host thread after plugins were loaded, refused or quarantined. It must not block for long.
    package func onChange(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.observers.append(body) }
    }

    func notify() {
        for observer in state.withLock({ $0.observers }) { observer() }
    }

    /// Watches the directories: a file that is new or has changed is usable within two seconds.
    package func startWatching() {
        let watcher = DirectoryWatcher(directories: directories) { [weak self] in self?.scan() }
        let isNew = state.withLock { state in
            guard state.watcher == nil else { return false }
            state.watcher = watcher
            return true
        }
        if isNew { watcher.start() }
    }
}
