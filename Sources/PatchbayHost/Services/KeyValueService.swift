internal import CPatchbay

/// `patchbay.kv/1` over the program's store.
enum KeyValueService {
    static let table = StaticTable(
        pb_kv(size: UInt32(MemoryLayout<pb_kv>.size), reserved: 0, get: get, put: put, remove: remove))

    private static let get:
        @convention(c) (
            UnsafePointer<pb_host>?, UnsafePointer<pb_call>?, UInt32, pb_str, UnsafePointer<pb_sink>?,
            UnsafeMutablePointer<UInt64>?
        ) -> pb_status = { host, call, scope, key, sink, revision in
            withKey(host, call, scope, key) { (context, key) throws(PluginError) in
                guard let value = try context.runtime.services.keyValues.value(for: key) else {
                    return Status.notFound
                }
                revision?.pointee = value.revision
                guard let sink else { return Status.ok }
                return value.bytes.withUnsafeBytes { sink.pointee.write(sink, pb_str($0)) }
            }
        }

    private static let put:
        @convention(c) (
            UnsafePointer<pb_host>?, UnsafePointer<pb_call>?, UInt32, pb_str, pb_str, UInt64, UInt64
        ) -> pb_status = { host, call, scope, key, value, timeToLive, expected in
            guard value.bytes.count <= 65_536 else { return Status.tooLarge }
            let expectation: PluginKeyValueExpectation =
                switch expected {
                case .max: .anything
                case 0: .absent
                default: .revision(expected)
                }
            return withKey(host, call, scope, key) { (context, key) throws(PluginError) in
                try context.runtime.services.keyValues.put(
                    [UInt8](value.bytes), for: key,
                    timeToLiveMilliseconds: timeToLive == 0 ? nil : Int(min(timeToLive, 1 << 50)),
                    expecting: expectation)
                return Status.ok
            }
        }

    private static let remove:
        @convention(c) (UnsafePointer<pb_host>?, UnsafePointer<pb_call>?, UInt32, pb_str) -> pb_status = {
            host, call, scope, key in
            withKey(host, call, scope, key) { (context, key) throws(PluginError) in
                try context.runtime.services.keyValues.removeValue(for: key)
                return Status.ok
            }
        }

    private static func withKey(
        _ host: UnsafePointer<pb_host>?, _ call: UnsafePointer<pb_call>?, _ scope: UInt32, _ name: pb_str,
        _ body: (InstanceContext, PluginKeyValueKey) throws(PluginError) -> pb_status
    ) -> pb_status {
        guard let context = InstanceContext.of(host), let scope = PluginKeyValueKey.Scope(rawValue: Int(scope)),
            (1...255).contains(name.bytes.count)
        else { return Status.invalid }
        let owner: String
        switch scope {
        case .plugin:
            owner = ""
        case .site:
            guard !context.site.name.isEmpty else { return Status.invalid }
            owner = context.site.name
        case .account:
            guard let account = PendingCall.of(call)?.account else { return Status.invalid }
            owner = account.id
        }
        do throws(PluginError) {
            return try body(
                context, PluginKeyValueKey(plugin: context.pluginID, scope: scope, owner: owner, name: name.text))
        } catch {
            return error.code.rawValue
        }
    }
}
