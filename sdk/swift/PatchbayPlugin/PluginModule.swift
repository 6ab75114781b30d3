import CPatchbay

/// What the generated entry function returns: the module record of an image with one plugin. Author code does not use
/// it.
public struct PluginModule: @unchecked Sendable {  // points to records that never change
    /// The module record, in storage that is never freed.
    public let pointer: UnsafeRawPointer

    /// - Parameters:
    ///   - type: conforms to ``PlatformAdapter``, ``WireFormatCodec`` or ``Notifier``.
    ///   - id: as in the manifest.
    ///   - manifest: the same bytes as in the section of the image.
    public init<P: Plugin>(_ type: P.Type, id: StaticString, manifest: StaticString) {
        let plugin = StaticRecord(PluginRecord(type, id: id))
        let plugins = StaticRecord<UnsafePointer<pb_plugin>?>(
            UnsafeRawPointer(plugin.pointer).assumingMemoryBound(to: pb_plugin.self))
        var module = pb_module()
        module.magic = PB_MODULE_MAGIC
        module.size = UInt32(MemoryLayout<pb_module>.size)
        module.abi_major = UInt16(PB_ABI_MAJOR)
        module.abi_minor = UInt16(PB_ABI_MINOR)
        module.plugin_count = 1
        module.manifest_json = pb_str(manifest)
        module.toolchain = pb_str(Self.toolchain)
        module.plugins = plugins.pointer
        pointer = UnsafeRawPointer(StaticRecord(module).pointer)
    }

    #if compiler(>=6.4)
        private static let toolchain: StaticString = "Swift 6.4 or later"
    #elseif compiler(>=6.3)
        private static let toolchain: StaticString = "Swift 6.3"
    #else
        private static let toolchain: StaticString = "Swift 6.2"
    #endif
}

extension pb_str {
    fileprivate init(_ text: StaticString) {
        self.init(
            ptr: UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self),
            len: UInt64(text.utf8CodeUnitCount))
    }
}

/// A `pb_plugin` followed by what `create` needs to know about the Swift type.
private struct PluginRecord {
    var plugin = pb_plugin()
    let make: @Sendable ([UInt8], Host) throws -> Instance
    let framing: Framing?
    let isPlatform: Bool
    let preparesForAnySize: Bool

    init<P: Plugin>(_ type: P.Type, id: StaticString) {
        make = { configuration, host in try Instance(type, configuration: configuration, host: host) }
        framing = (type as? any WireFormatCodec.Type)?.framing
        let platform = type as? any PlatformAdapter.Type
        isPlatform = platform != nil
        preparesForAnySize = platform?.preparesForAnySize ?? false
        plugin.size = UInt32(MemoryLayout<pb_plugin>.size)
        plugin.id = pb_str(id)
        plugin.create = createInstance
        plugin.destroy = { Instance.at($0)?.release() }
        plugin.get = findInterface
    }

    static func at(_ plugin: UnsafePointer<pb_plugin>) -> UnsafePointer<PluginRecord> {
        UnsafeRawPointer(plugin).assumingMemoryBound(to: PluginRecord.self)
    }
}

private func createInstance(
    _ plugin: UnsafePointer<pb_plugin>?, _ host: UnsafePointer<pb_host>?, _ configuration: pb_str,
    _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ error: UnsafePointer<pb_sink>?
) -> pb_status {
    guard let plugin, let host, let instance else { return PB_INTERNAL }
    let view = ByteView(configuration)
    do {
        let made = try PluginRecord.at(plugin).pointee.make(
            view.isEmpty ? Array("{}".utf8) : view.array, Host(record: host))
        instance.pointee = Unmanaged.passRetained(made).toOpaque()
        return PB_DONE
    } catch let failure {
        return report(failure, to: error)
    }
}

private func findInterface(
    _ plugin: UnsafePointer<pb_plugin>?, _ id: UnsafePointer<CChar>?
) -> UnsafeRawPointer? {
    guard let plugin, let id else { return nil }
    let record = PluginRecord.at(plugin)
    switch String(cString: id) {
    case PB_CONTROL_ID: return UnsafeRawPointer(controlTable.pointer)
    case PB_UPSTREAM_ID:
        guard record.pointee.isPlatform else { return nil }
        return UnsafeRawPointer(upstreamTable(preparesForAnySize: record.pointee.preparesForAnySize))
    case PB_CODEC_ID: return record.pointee.framing.flatMap(codecTable).map { UnsafeRawPointer($0) }
    default: return nil
    }
}
