import PatchbayCore

/// Which models a key may use, worked out once for a table: a bit for each route of a single name, patterns for the
/// rest.
package struct KeyPermissions: Sendable {
    private let everything: Bool
    private let bits: [UInt64]
    /// Routes below this index have a bit.
    private let exactCount: Int32
    private let names: Set<String>
    private let patterns: [GlobPattern]

    init(key: Key, routes: [RouteEntry]) {
        let patterns = key.models.filter(GlobPattern.isPattern).map(GlobPattern.init)
        let names = Set(key.models.filter { !GlobPattern.isPattern($0) })
        let exact = routes.prefix { !$0.isPattern }
        var bits = [UInt64](repeating: 0, count: (exact.count + 63) / 64)
        for (index, entry) in exact.enumerated()
        where names.contains(entry.model) || patterns.contains(where: { $0.matches(entry.model) }) {
            bits[index / 64] |= 1 << UInt64(index % 64)
        }
        everything = patterns.contains(where: \.matchesEverything)
        self.bits = bits
        exactCount = Int32(exact.count)
        self.names = names
        self.patterns = patterns
    }

    /// Whether the model that `route` was found for may be used. `name` is what the client asked for.
    package func permits(_ route: RouteIndex, modelUTF8 name: UnsafeRawBufferPointer) -> Bool {
        if everything { return true }
        if route.rawValue < exactCount { return permits(exact: route.rawValue) }
        if patterns.contains(where: { $0.matches(name) }) { return true }
        return names.isEmpty ? false : names.contains(String(decoding: name, as: UTF8.self))
    }

    /// Whether a model of this name may be used, known or not.
    package func permits(model: String) -> Bool {
        everything || names.contains(model) || patterns.contains { $0.matches(model) }
    }

    func permits(exact route: Int32) -> Bool {
        everything || bits[Int(route) / 64] & (1 << UInt64(route % 64)) != 0
    }
}
