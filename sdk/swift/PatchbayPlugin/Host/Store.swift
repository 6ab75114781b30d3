import CPatchbay

/// A small durable store. Entries of one plugin are invisible to others. Keys are at most 255 bytes, values 64 KiB.
public struct Store: Sendable {
    public enum Scope: UInt32, Sendable { case plugin = 0, site = 1, account = 2 }

    public struct Entry: Sendable, Hashable {
        public var value: [UInt8]
        /// Changes with every write.
        public var revision: UInt64
    }

    /// When a write may happen.
    public enum Condition: Sendable { case always, ifAbsent, ifRevision(UInt64) }

    let context: CallContext
    let scope: Scope

    /// The entry, or nil if absent or expired.
    public func get(_ key: String) async throws(PluginError) -> Entry? {
        let scope = scope.rawValue
        return try await context.blocking { host, call throws(PluginError) in
            guard let table = host.service(PB_KV_ID, as: pb_kv.self, size: \.size), let get = table.pointee.get else {
                throw PluginError(.unsupported, "The host offers no key-value store.")
            }
            var revision: UInt64 = 0
            let (status, value) = collect { sink in withView(key) { get(host.record, call, scope, $0, sink, &revision) }
            }
            if status == PB_E_NOT_FOUND { return nil }
            try check(status, "read", key)
            return Entry(value: value, revision: revision)
        }
    }

    /// Stores a value.
    ///
    /// - Throws: ``PluginError/Code/conflict`` when the condition does not hold.
    public func put(
        _ key: String, _ value: [UInt8], timeToLive: Duration? = nil, when condition: Condition = .always
    ) async throws(PluginError) {
        let scope = scope.rawValue
        let expected: UInt64 =
            switch condition {
            case .always: .max
            case .ifAbsent: 0
            case .ifRevision(let revision): revision
            }
        try await context.blocking { host, call throws(PluginError) in
            guard let table = host.service(PB_KV_ID, as: pb_kv.self, size: \.size), let put = table.pointee.put else {
                throw PluginError(.unsupported, "The host offers no key-value store.")
            }
            let status = withView(key) { key in
                value.withUnsafeBufferPointer {
                    put(host.record, call, scope, key, pb_str($0), timeToLive?.milliseconds ?? 0, expected)
                }
            }
            try check(status, "written", key)
        }
    }

    /// Removes a key, present or not.
    public func remove(_ key: String) async throws(PluginError) {
        let scope = scope.rawValue
        try await context.blocking { host, call throws(PluginError) in
            guard let table = host.service(PB_KV_ID, as: pb_kv.self, size: \.size), let remove = table.pointee.remove
            else {
                throw PluginError(.unsupported, "The host offers no key-value store.")
            }
            try check(withView(key) { remove(host.record, call, scope, $0) }, "removed", key)
        }
    }
}

private func check(_ status: pb_status, _ action: String, _ key: String) throws(PluginError) {
    guard status < 0 else { return }
    throw PluginError(PluginError.Code(status: status), "The key \(key) of the store could not be \(action).")
}
