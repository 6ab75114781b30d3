package import PatchbayCore

/// Which models a key may use, worked out once for a table: a bit for each route of a single name, patterns for the
/// rest.
package struct KeyPermissions: Sendable {
    private let everything: Bool
    private let bits: [UInt64]
    /// Routes below this index have a bit.
    private let exactCount: Int32
    private let names: Set<String>
    private let patterns: [GlobPattern]

    /// - Parameter names: What a key may use: model names and patterns.
    init(models names: [String], routes: [RouteEntry]) {
        let patterns = names.filter(GlobPattern.isPattern).map(GlobPattern.init)
        everything = patterns.contains(where: \.matchesEverything)
        let names = Set(names.filter { !GlobPattern.isPattern($0) })
        let exactCount = routes.firstIndex(where: \.isPattern) ?? routes.count
        var bits: [UInt64] = []
        if !everything {
            bits = [UInt64](repeating: 0, count: (exactCount + 63) / 64)
            for index in 0..<exactCount
            where names.contains(routes[index].model) || patterns.contains(where: { $0.matches(routes[index].model) }) {
                bits[index / 64] |= 1 << UInt64(index % 64)
            }
        }
        self.bits = bits
        self.exactCount = Int32(exactCount)
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

/// Works out permissions for many keys, and once for those that may use the same models.
package struct PermissionCache {
    private let table: RoutingTable
    private var known: [[String]: KeyPermissions] = [:]

    package init(_ table: RoutingTable) {
        self.table = table
    }

    package mutating func permissions(for key: Key) -> KeyPermissions {
        if let known = known[key.models] { return known }
        let made = table.permissions(for: key)
        known[key.models] = made
        return made
    }
}
