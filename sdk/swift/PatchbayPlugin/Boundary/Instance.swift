import CPatchbay

/// One instance behind the C boundary: a retained box that the host holds as `void *`.
final class Instance: Sendable {
    let host: Host
    let configuration: [UInt8]
    let plugin: any Plugin
    let platform: (any PlatformAdapter)?
    let codec: AnyCodec?
    let operations: [String: @Sendable ([UInt8], Call) async throws -> [UInt8]]

    init<P: Plugin>(_ type: P.Type, configuration: [UInt8], host: Host) throws {
        let plugin = try type.init(configuration: PluginConfiguration(json: configuration), host: host)
        self.plugin = plugin
        self.host = host
        self.configuration = configuration
        platform = plugin as? any PlatformAdapter
        codec = (plugin as? any WireFormatCodec).map { AnyCodec.wrap($0) }
        operations = Self.operations(of: plugin)
    }

    private static func operations<P: Plugin>(of plugin: P) -> [String:
        @Sendable ([UInt8], Call) async throws -> [UInt8]]
    {
        var table: [String: @Sendable ([UInt8], Call) async throws -> [UInt8]] = [:]
        for operation in P.operations {
            table[operation.name] = { arguments, call in try await operation.body(plugin, arguments, call) }
        }
        if let notifier = plugin as? any Notifier {
            table["notify.send"] = { arguments, call in
                let notification = try JSONText.decode(
                    Notification.self, from: arguments, as: "arguments", failure: .invalid)
                return try JSONText.encode(await notifier.send(notification, call))
            }
        }
        return table
    }

    /// The instance behind a pointer that the host passes back, without taking part in its reference count.
    @inline(__always)
    static func at(_ pointer: UnsafeMutableRawPointer?) -> Unmanaged<Instance>? {
        pointer.map { Unmanaged<Instance>.fromOpaque($0) }
    }
}

/// Turns what an author's function threw into a status and a sentence.
func report(_ error: any Error, to sink: UnsafePointer<pb_sink>?) -> pb_status {
    let failure = PluginError(describing: error)
    write(failure.message, to: sink)
    return failure.code.rawValue
}

extension PluginError {
    /// Any error as one that can cross the boundary.
    init(describing error: any Error) {
        switch error {
        case let error as PluginError: self = error
        case is CancellationError: self = PluginError(.cancelled, "The call was cancelled.")
        default: self = PluginError(.internal, "The plugin failed: \(error)")
        }
    }
}
