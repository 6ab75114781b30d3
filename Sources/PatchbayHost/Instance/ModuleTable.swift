internal import CPatchbay

/// The tables of a validated image. The image is never unmapped, so they are valid for ever and never change.
struct ModuleTable: @unchecked Sendable {
    // No lock: static storage of the image, read-only by contract.
    let plugin: UnsafePointer<pb_plugin>
    let record: pb_plugin
    let control: pb_control?
    let upstream: pb_upstream?
    let codec: pb_codec?
    let toolchain: String
    let abiMinor: Int

    /// Checks what the entry function returned.
    ///
    /// - Throws: ``PluginRefusal`` that says what the image is built for and what this host has.
    init(_ pointer: UnsafePointer<pb_module>?, preflight: ImagePreflight) throws(PluginRefusal) {
        guard let pointer else {
            throw PluginRefusal(.moduleInvalid, "The entry function \(preflight.entry) refused to start in this host.")
        }
        let module = try Self.checkModule(pointer)
        toolchain = module.toolchain.text
        abiMinor = Int(module.abi_minor)
        try Self.checkVersion(module, toolchain: toolchain)
        guard ELFImage.trimmed(module.manifest_json.bytes) == preflight.manifestBytes else {
            throw PluginRefusal(
                .manifestInvalid, "The manifest that the module returns differs from the one in its section.")
        }
        guard module.plugin_count == 1, let plugin = module.plugins?.pointee else {
            throw PluginRefusal(
                .moduleInvalid, "The module holds \(module.plugin_count) plugins; this host takes one per file.")
        }
        self.plugin = plugin
        record = try Self.checkPlugin(plugin, manifestID: preflight.manifest.id)
        control = Self.interface(PB_CONTROL_ID, of: record, plugin)
        upstream = Self.interface(PB_UPSTREAM_ID, of: record, plugin)
        codec = Self.interface(PB_CODEC_ID, of: record, plugin)
        try checkKinds(preflight.manifest)
    }

    private static func checkModule(_ pointer: UnsafePointer<pb_module>) throws(PluginRefusal) -> pb_module {
        let magic = pointer.pointee.magic
        guard magic == PB_MODULE_MAGIC else {
            throw PluginRefusal(
                .moduleInvalid,
                "The module record begins with 0x\(String(magic, radix: 16)) instead of 0x"
                    + "\(String(PB_MODULE_MAGIC, radix: 16)).")
        }
        let size = Int(pointer.pointee.size)
        guard size >= MemoryLayout<pb_module>.size else {
            throw PluginRefusal(
                .moduleInvalid,
                "The module record has \(size) bytes; this host needs at least \(MemoryLayout<pb_module>.size).")
        }
        return pointer.pointee
    }

    private static func checkVersion(_ module: pb_module, toolchain: String) throws(PluginRefusal) {
        let built = toolchain.isEmpty ? "" : " (built with \(toolchain))"
        guard Int(module.abi_major) == Int(PB_ABI_MAJOR) else {
            throw PluginRefusal(
                .abiMajor,
                "The module is built for major version \(module.abi_major) of the plugin ABI\(built); this host has "
                    + "\(PB_ABI_MAJOR).\(PB_ABI_MINOR).")
        }
        guard Int(module.needs_minor) <= Int(PB_ABI_MINOR) else {
            throw PluginRefusal(
                .abiMinor,
                "The module needs version \(PB_ABI_MAJOR).\(module.needs_minor) of the plugin ABI\(built); this host "
                    + "has \(PB_ABI_MAJOR).\(PB_ABI_MINOR).")
        }
    }

    private static func checkPlugin(
        _ pointer: UnsafePointer<pb_plugin>, manifestID: String
    ) throws(PluginRefusal) -> pb_plugin {
        let size = Int(pointer.pointee.size)
        guard size >= MemoryLayout<pb_plugin>.size else {
            throw PluginRefusal(
                .moduleInvalid,
                "The plugin record has \(size) bytes; this host needs at least \(MemoryLayout<pb_plugin>.size).")
        }
        let record = pointer.pointee
        guard record.id.text == manifestID else {
            throw PluginRefusal(
                .idMismatch, "The plugin calls itself \"\(record.id.text)\", its manifest \"\(manifestID)\".")
        }
        guard record.create != nil, record.destroy != nil, record.get != nil else {
            throw PluginRefusal(.moduleInvalid, "The plugin lacks one of the functions create, destroy and get.")
        }
        return record
    }

    private static func interface<Record: BitwiseCopyable>(
        _ id: String, of record: pb_plugin, _ plugin: UnsafePointer<pb_plugin>
    ) -> Record? {
        guard let pointer = record.get(plugin, id) else { return nil }
        return copyRecord(Record.self, from: pointer)
    }

    /// What the manifest promises has to be there.
    private func checkKinds(_ manifest: PluginManifest) throws(PluginRefusal) {
        if manifest.kinds.contains(.format) {
            guard let codec, codec.isComplete else {
                throw PluginRefusal(
                    .moduleInvalid, "The manifest names the kind format, but \(PB_CODEC_ID) is missing.")
            }
        }
        if manifest.kinds.contains(.platform) {
            guard let upstream, upstream.prepare != nil else {
                throw PluginRefusal(
                    .moduleInvalid, "The manifest names the kind platform, but \(PB_UPSTREAM_ID) is missing.")
            }
        }
        if !manifest.operations.isEmpty {
            guard let control, control.invoke != nil else {
                throw PluginRefusal(.moduleInvalid, "The manifest lists operations, but \(PB_CONTROL_ID) is missing.")
            }
        }
    }
}

extension pb_codec {
    /// All functions of version 1.0 are there.
    fileprivate var isComplete: Bool {
        request_to_canonical != nil && request_from_canonical != nil && response_to_canonical != nil
            && response_from_canonical != nil && response_tap != nil && error_to_canonical != nil
            && error_from_canonical != nil && decoder_open != nil && decoder_frames != nil && decoder_finish != nil
            && decoder_close != nil && encoder_open != nil && encoder_events != nil && encoder_close != nil
    }
}
