#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
internal import Logging
internal import PatchbayCore
internal import Synchronization

extension PluginRegistry {
    /// Looks at every file that is new or has changed: loads plugins, refuses with a sentence what is none.
    package func scan() {
        let changed = scanning.withLock { _ in
            forgetStaleDuplicates()
            var changed = false
            for directory in directories {
                for name in Self.libraries(in: directory) {
                    if examine("\(directory)/\(name)", in: directory) { changed = true }
                }
            }
            return changed
        }
        if changed { notify() }
    }

    private static func libraries(in directory: String) -> [String] {
        guard let listing = opendir(directory) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".so"), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// A file that was refused because of another one deserves a second look when that one is gone.
    private func forgetStaleDuplicates() {
        let duplicates = state.withLock { state in
            state.refused.filter { $0.value.refusal.code == .duplicateID }.compactMap { path, file in
                file.manifest.flatMap { state.plugins[$0.id]?.file }.map { (path, owner: $0) }
            }
        }
        for (path, owner) in duplicates where FileIdentity(path: owner) == nil {
            state.withLock { state in _ = state.seen.removeValue(forKey: path) }
        }
    }

    /// - Returns: whether something changed that others want to know.
    private func examine(_ path: String, in directory: String) -> Bool {
        let identity = FileIdentity(path: path)
        let isKnown = state.withLock { state in
            guard let identity else { return false }
            return state.seen.updateValue(identity, forKey: path) == identity
        }
        if isKnown { return false }
        var manifest: PluginManifest?
        var sha256: String?
        do throws(PluginRefusal) {
            var file = try PluginFile(path: path, directory: directory)
            let preflight = try file.bytes.withUnsafeBufferPointer { bytes throws(PluginRefusal) in
                try ImagePreflight(of: UnsafeRawBufferPointer(bytes))
            }
            manifest = preflight.manifest
            sha256 = file.sha256
            return try adopt(file, sha256: file.sha256, preflight)
        } catch {
            return refuse(path, in: directory, Refused(refusal: error, sha256: sha256, manifest: manifest))
        }
    }

    private func refuse(_ path: String, in directory: String, _ file: Refused) -> Bool {
        let error = file.refusal
        guard !isForeign(error, in: directory) else { return false }
        let isNews = state.withLock { state in
            // What stands in the way may go without the file changing, so the next scan looks again.
            if [.unreadable, .unsafePermissions, .symlinkOutside].contains(error.code) { state.seen[path] = nil }
            return state.refused.updateValue(file, forKey: path)?.refusal != error
        }
        if isNews {
            runtime.logger.warning(
                "plugin refused",
                metadata: ["file": "\(path)", "code": "\(error.code.rawValue)", "reason": "\(error.sentence)"])
        }
        return isNews
    }

    /// Libraries that do not try to be plugins are nothing special beside the executable.
    private func isForeign(_ refusal: PluginRefusal, in directory: String) -> Bool {
        guard refusal.code == .noEntry || refusal.code == .notELF else { return false }
        return ownDirectory != nil && PluginFile.realPath(directory) == ownDirectory
    }

    private func adopt(
        _ file: PluginFile, sha256: String, _ preflight: ImagePreflight
    ) throws(PluginRefusal) -> Bool {
        let id = preflight.manifest.id
        let current = state.withLock { $0.plugins[id] }
        if let current, current.sha256 == sha256 {
            // The same plugin twice, or a file that was touched.
            return state.withLock { $0.refused.removeValue(forKey: file.path) != nil }
        }
        if let current, current.file != file.path, FileIdentity(path: current.file) != nil {
            throw PluginRefusal(
                .duplicateID,
                "The id \(id) belongs to the plugin in \(current.file); the one in \(file.path) is not used.")
        }
        let module = try loader.load(file.bytes, sha256: sha256, preflight: preflight, version: runtime.version)
        let plugin = LoadedPlugin(
            manifest: preflight.manifest, file: file.path, sha256: sha256,
            generation: (current?.generation ?? 0) + 1, module: module, runtime: runtime)
        let codecs = try makeCodecs(of: plugin)
        install(plugin, codecs)
        runtime.logger.info(
            "plugin loaded",
            metadata: [
                "plugin": "\(id)", "version": "\(plugin.manifest.version)", "file": "\(file.path)",
                "generation": "\(plugin.generation)",
            ])
        return true
    }

    /// Codecs are instances without configuration, made once per generation.
    private func makeCodecs(of plugin: LoadedPlugin) throws(PluginRefusal) -> [FormatCodec] {
        guard plugin.manifest.kinds.contains(.format), !plugin.manifest.formats.isEmpty else { return [] }
        let instance: PluginInstance
        do throws(PluginError) {
            instance = try PluginInstance(of: plugin, configuration: "{}", site: SiteContext())
        } catch {
            throw PluginRefusal(.instanceFailed, "The format plugin cannot be started: \(error.sentence)")
        }
        return plugin.manifest.formats.compactMap { FormatCodec($0, instance: instance) }
    }

    private func install(_ plugin: LoadedPlugin, _ codecs: [FormatCodec]) {
        // What is replaced is released outside of the lock.
        let replaced = state.withLock { state in
            let replaced = (state.plugins[plugin.id], state.codecs)
            state.plugins[plugin.id] = plugin
            state.refused[plugin.file] = nil
            state.quarantined[plugin.id] = nil
            state.codecs = state.codecs.filter { $0.value.pluginID != plugin.id }
            for codec in codecs where state.codecs[codec.format] == nil { state.codecs[codec.format] = codec }
            return replaced
        }
        for codec in codecs {
            let owner = replaced.1[codec.format]?.pluginID ?? plugin.id
            if owner != plugin.id {
                runtime.logger.warning(
                    "wire format has two plugins",
                    metadata: ["format": "\(codec.format)", "used": "\(owner)", "unused": "\(plugin.id)"])
            }
        }
    }
}
