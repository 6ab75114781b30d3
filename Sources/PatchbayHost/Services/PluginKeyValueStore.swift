/// Where plugins keep small values. Implementations are called on host threads that may block.
package protocol PluginKeyValueStore: Sendable {
    /// The value and its revision; nil if it is absent or has expired.
    func value(for key: PluginKeyValueKey) throws(PluginError) -> PluginKeyValue?

    /// Stores a value.
    ///
    /// - Throws: ``PluginError`` with code `conflict` if the expectation does not hold.
    func put(
        _ value: [UInt8], for key: PluginKeyValueKey, timeToLiveMilliseconds: Int?, expecting: PluginKeyValueExpectation
    ) throws(PluginError)

    /// Removes a value; fine if it is absent.
    func removeValue(for key: PluginKeyValueKey) throws(PluginError)
}

/// The address of a value. Values of one plugin are invisible to others.
package struct PluginKeyValueKey: Sendable, Hashable {
    package enum Scope: Int, Sendable, Hashable {
        case plugin = 0
        case site = 1
        case account = 2
    }

    package var plugin: String
    package var scope: Scope
    /// The site's name or the account's id; empty for the plugin's own scope.
    package var owner: String
    /// At most 255 bytes.
    package var name: String

    package init(plugin: String, scope: Scope, owner: String, name: String) {
        self.plugin = plugin
        self.scope = scope
        self.owner = owner
        self.name = name
    }
}

package struct PluginKeyValue: Sendable, Hashable {
    package var bytes: [UInt8]
    /// Above zero; changes with every put.
    package var revision: UInt64

    package init(bytes: [UInt8], revision: UInt64) {
        self.bytes = bytes
        self.revision = revision
    }
}

/// What has to be true for a put to happen.
package enum PluginKeyValueExpectation: Sendable, Hashable {
    case anything
    case absent
    case revision(UInt64)
}
