import PatchbayCore

/// Whose value it is: the plugin's alone, or the plugin's for a site or an account.
package enum PluginScope: Sendable, Hashable {
    case plugin
    case site(String)
    /// `site/account`.
    case account(String)

    var text: String {
        switch self {
        case .plugin: ""
        case .site(let name): "site:\(name)"
        case .account(let name): "account:\(name)"
        }
    }
}

/// Names one value of a plugin.
package struct PluginKey: Sendable, Hashable {
    package var plugin: String
    package var scope: PluginScope
    package var key: String

    package init(plugin: String, scope: PluginScope, key: String) {
        self.plugin = plugin
        self.scope = scope
        self.key = key
    }

    var values: [SQLValue] { [.text(plugin), .text(scope.text), .text(key)] }
    var place: SealedPlace { SealedPlace(owner: "plugin_kv", row: "\(plugin)\0\(scope.text)", field: key) }
}

/// A value and the revision that a compare-and-set names.
package struct PluginValue: Sendable, Hashable {
    package var bytes: [UInt8]
    /// Never zero; different after every change.
    package var revision: UInt64
}

/// What must be there for a value to be stored.
package enum PluginExpectation: Sendable, Hashable {
    case anything
    case absent
    case revision(UInt64)
}

// Values may hold sessions, so they are sealed like any other secret. All operations block: plugins call them from
// worker threads.
extension Store {
    package static let longestPluginKey = 255
    package static let longestPluginValue = 65_536

    /// The value; nil if it is absent or has expired.
    package func pluginValue(_ key: PluginKey) throws(StoreError) -> PluginValue? {
        let sealing = sealing
        return try read { database throws(StoreError) in
            let row = try database.row(
                """
                SELECT value, revision FROM plugin_kv WHERE plugin = ? AND scope = ? AND key = ?
                AND (expires_at IS NULL OR expires_at > ?)
                """, key.values + [.integer(SystemTime.unixMilliseconds())]
            ) { ($0.blob(0), UInt64(clamping: $0.integer(1))) }
            guard let row else { return nil }
            return PluginValue(bytes: try sealing.open(bytes: row.0, at: key.place), revision: row.1)
        }
    }

    /// Stores a value and returns its revision.
    ///
    /// - Parameter timeToLive: milliseconds; 0 = for ever.
    /// - Throws: `conflict` if the expectation does not hold; `invalid` for a key or value that is too long.
    @discardableResult
    package func putPluginValue(
        _ key: PluginKey, _ bytes: [UInt8], timeToLive: UInt64 = 0, expecting: PluginExpectation = .anything
    ) throws(StoreError) -> UInt64 {
        guard (1...Self.longestPluginKey).contains(key.key.utf8.count) else {
            throw StoreError(.invalid, field: "key", "key must be 1 to \(Self.longestPluginKey) bytes long.")
        }
        guard bytes.count <= Self.longestPluginValue else {
            throw StoreError(.invalid, field: "value", "value must be at most \(Self.longestPluginValue) bytes long.")
        }
        let sealed = try sealing.seal(bytes: bytes, at: key.place)
        let revision = UInt64.random(in: 1...UInt64(Int64.max))
        let now = SystemTime.unixMilliseconds()
        let expiry = timeToLive == 0 ? nil : Int64(clamping: UInt64(now).addingClamped(timeToLive))
        return try write { database throws(StoreError) in
            try database.transaction { () throws(StoreError) in
                try database.run("DELETE FROM plugin_kv WHERE expires_at <= ?", .integer(now))
                try Self.check(expecting, key, database)
                try database.run(
                    """
                    INSERT OR REPLACE INTO plugin_kv (plugin, scope, key, value, revision, expires_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """, .text(key.plugin), .text(key.scope.text), .text(key.key), .blob(sealed),
                    .integer(Int64(revision)), .optional(expiry))
                return revision
            }
        }
    }

    private static func check(
        _ expectation: PluginExpectation, _ key: PluginKey, _ database: Database
    ) throws(StoreError) {
        let present = try database.row(
            "SELECT revision FROM plugin_kv WHERE plugin = ? AND scope = ? AND key = ?", key.values
        ) { UInt64(clamping: $0.integer(0)) }
        let holds =
            switch expectation {
            case .anything: true
            case .absent: present == nil
            case .revision(let revision): present == revision
            }
        guard holds else { throw StoreError(.conflict, field: "revision", "The value has changed since it was read.") }
    }

    /// Removes a value; it is no error if there is none.
    package func removePluginValue(_ key: PluginKey) throws(StoreError) {
        try write { database throws(StoreError) -> Void in
            try database.run(
                "DELETE FROM plugin_kv WHERE plugin = ? AND scope = ? AND key = ?", .text(key.plugin),
                .text(key.scope.text), .text(key.key))
        }
    }
}

extension UInt64 {
    fileprivate func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
