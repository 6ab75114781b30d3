import PatchbayHost
import PatchbayStore

/// What plugins keep, in the store. Called on host threads that may block.
struct StoredPluginValues: PluginKeyValueStore {
    let store: Store

    func value(for key: PluginKeyValueKey) throws(PluginError) -> PluginKeyValue? {
        do {
            return try store.pluginValue(PluginKey(key)).map { PluginKeyValue(bytes: $0.bytes, revision: $0.revision) }
        } catch {
            throw PluginError(error)
        }
    }

    func put(
        _ value: [UInt8], for key: PluginKeyValueKey, timeToLiveMilliseconds: Int?, expecting: PluginKeyValueExpectation
    ) throws(PluginError) {
        let expectation: PluginExpectation =
            switch expecting {
            case .anything: .anything
            case .absent: .absent
            case .revision(let revision): .revision(revision)
            }
        do {
            try store.putPluginValue(
                PluginKey(key), value, timeToLive: UInt64(max(0, timeToLiveMilliseconds ?? 0)), expecting: expectation)
        } catch {
            throw PluginError(error)
        }
    }

    func removeValue(for key: PluginKeyValueKey) throws(PluginError) {
        do {
            try store.removePluginValue(PluginKey(key))
        } catch {
            throw PluginError(error)
        }
    }
}

extension PluginKey {
    fileprivate init(_ key: PluginKeyValueKey) {
        let scope: PluginScope =
            switch key.scope {
            case .plugin: .plugin
            case .site: .site(key.owner)
            case .account: .account(key.owner)
            }
        self.init(plugin: key.plugin, scope: scope, key: key.name)
    }
}

extension PluginError {
    fileprivate init(_ error: StoreError) {
        let code: Code =
            switch error.code {
            case .conflict: .conflict
            case .invalid: .invalid
            default: .unavailable
            }
        self.init(code, error.sentence)
    }
}
