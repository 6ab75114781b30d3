/// Rewrites names so that they fit the rules of a format (letters, digits, `_` and `-`, limited length).
///
/// The rewriting depends on the name alone and on the names seen before, so that the same request always gives the
/// same names and the answer can be translated back.
package struct IdentifierMap: Sendable {
    private let limit: Int
    /// The first character has to be a letter or `_`.
    private let startsWithLetter: Bool
    private var forward: [String: String] = [:]
    private var backward: [String: String] = [:]

    /// A map for names of at most `limit` bytes.
    package init(limit: Int, startsWithLetter: Bool = false) {
        self.limit = limit
        self.startsWithLetter = startsWithLetter
    }

    /// A map that already knows `names`, in their order.
    package init(limit: Int, names: [String], startsWithLetter: Bool = false) {
        self.init(limit: limit, startsWithLetter: startsWithLetter)
        for name in names { _ = rewritten(name) }
    }

    /// True if no name had to be changed, so that answers need no translation.
    package var isIdentity: Bool { forward.isEmpty }

    /// The name to use on the wire.
    package mutating func rewritten(_ name: String) -> String {
        if Self.fits(name, limit: limit), backward[name] == nil, startsWell(name) { return name }
        if let known = forward[name] { return known }
        var candidate = Self.sanitised(startsWell(name) ? name : "_" + name, limit: limit)
        while backward[candidate] != nil { candidate = Self.sanitised(candidate + "_", limit: limit) }
        forward[name] = candidate
        backward[candidate] = name
        return candidate
    }

    /// The name that stands behind a name on the wire.
    package func original(_ wire: String) -> String {
        backward[wire] ?? wire
    }

    private static func fits(_ name: String, limit: Int) -> Bool {
        let bytes = name.utf8
        return !bytes.isEmpty && bytes.count <= limit && bytes.allSatisfy(isLegal)
    }

    private func startsWell(_ name: String) -> Bool {
        guard startsWithLetter, let first = name.utf8.first else { return true }
        return Self.isLegal(first) && first != UInt8(ascii: "-") && !(0x30...0x39).contains(first)
    }

    private static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Illegal characters become `_`; the hash keeps names apart that would fall together.
    private static func sanitised(_ name: String, limit: Int) -> String {
        var text = ""
        for scalar in name.unicodeScalars.prefix(limit - 9) {
            let isLegal = scalar.isASCII && isLegal(UInt8(truncatingIfNeeded: scalar.value))
            text.unicodeScalars.append(isLegal ? scalar : "_")
        }
        return text + "_" + StableHash.digits(name)
    }
}
