internal import PatchbayCore

/// Values that live as long as the process: for tests and for programs without a store.
package final class MemoryKeyValueStore: PluginKeyValueStore {
    private struct Entry {
        var value: PluginKeyValue
        /// Milliseconds since 1970; nil = never.
        var expiry: Int64?
    }

    private struct State {
        var entries: [PluginKeyValueKey: Entry] = [:]
        var revision: UInt64 = 0
    }

    private let state = Locked(State())
    private let now: @Sendable () -> Int64

    /// - Parameter now: milliseconds since 1970.
    package init(now: @escaping @Sendable () -> Int64 = { SystemTime.unixMilliseconds() }) {
        self.now = now
    }

    package func value(for key: PluginKeyValueKey) throws(PluginError) -> PluginKeyValue? {
        let time = now()
        return state.withLock { Self.live($0, key, time) }
    }

    package func put(
        _ value: [UInt8], for key: PluginKeyValueKey, timeToLiveMilliseconds: Int?, expecting: PluginKeyValueExpectation
    ) throws(PluginError) {
        let time = now()
        let stored = state.withLock { state in
            let current = Self.live(state, key, time)?.revision
            switch expecting {
            case .anything: break
            case .absent: if current != nil { return false }
            case .revision(let revision): if current != revision { return false }
            }
            state.revision += 1
            state.entries[key] = Entry(
                value: PluginKeyValue(bytes: value, revision: state.revision),
                expiry: timeToLiveMilliseconds.map { time + Int64($0) })
            return true
        }
        guard stored else {
            throw PluginError(.conflict, "The value of \"\(key.name)\" has changed since it was read.")
        }
    }

    package func removeValue(for key: PluginKeyValueKey) throws(PluginError) {
        state.withLock { state in _ = state.entries.removeValue(forKey: key) }
    }

    private static func live(_ state: State, _ key: PluginKeyValueKey, _ time: Int64) -> PluginKeyValue? {
        guard let entry = state.entries[key] else { return nil }
        if let expiry = entry.expiry, expiry <= time { return nil }
        return entry.value
    }
}
