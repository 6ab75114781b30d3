/// Rewrites names so that they fit the rules of a format (letters, digits, `_` and `-`, limited length).
///
/// The rewriting depends on the name alone and on the names seen before, so that the same request always gives the
/// same names and the answer can be translated back.
package struct IdentifierMap: Sendable {
    /// Room for the hash that keeps rewritten names apart.
    package static let smallestLimit = 9

    private let limit: Int
    /// Names have exactly `limit` bytes and nothing but letters and digits.
    private let isExact: Bool
    /// The first character has to be a letter or `_`.
    private let startsWithLetter: Bool
    private var forward: [String: String] = [:]
    private var backward: [String: String] = [:]

    /// A map for names of at most `limit` bytes, but not less than ``smallestLimit``.
    package init(limit: Int, startsWithLetter: Bool = false) {
        self.limit = max(limit, Self.smallestLimit)
        self.startsWithLetter = startsWithLetter
        isExact = false
    }

    /// A map for the ids of calls: of the length that the profile demands, else of at most `limit` bytes.
    package init(callIDs profile: CapabilityProfile, limit: Int) {
        self.limit = max(profile.toolIDLength ?? profile.toolIDMaximum ?? limit, Self.smallestLimit)
        startsWithLetter = false
        isExact = profile.toolIDLength != nil
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
        if fits(name), backward[name] == nil, startsWell(name) { return name }
        if let known = forward[name] { return known }
        var candidate = sanitised(startsWell(name) ? name : "_" + name)
        while backward[candidate] != nil { candidate = sanitised(candidate + "_") }
        forward[name] = candidate
        backward[candidate] = name
        return candidate
    }

    /// The name that stands behind a name on the wire.
    package func original(_ wire: String) -> String {
        backward[wire] ?? wire
    }

    private func fits(_ name: String) -> Bool {
        let bytes = name.utf8
        if isExact { return bytes.count == limit && bytes.allSatisfy(Self.isAlphanumeric) }
        return !bytes.isEmpty && bytes.count <= limit && bytes.allSatisfy(Self.isLegal)
    }

    private func startsWell(_ name: String) -> Bool {
        guard startsWithLetter, let first = name.utf8.first else { return true }
        return Self.isLegal(first) && first != UInt8(ascii: "-") && !(0x30...0x39).contains(first)
    }

    private static func isLegal(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// Illegal characters become `_`; the hash keeps names apart that would fall together.
    private func sanitised(_ name: String) -> String {
        if isExact { return exact(name) }
        var text = ""
        for scalar in name.unicodeScalars.prefix(limit - Self.smallestLimit) {
            let isLegal = scalar.isASCII && Self.isLegal(UInt8(truncatingIfNeeded: scalar.value))
            text.unicodeScalars.append(isLegal ? scalar : "_")
        }
        return text + "_" + StableHash.digits(name)
    }

    /// Nothing but the hash: most of a name would not fit.
    private func exact(_ name: String) -> String {
        var text = ""
        var round = 0
        while text.utf8.count < limit {
            text += StableHash.digits(round == 0 ? name : "\(round):\(name)")
            round += 1
        }
        return String(text.prefix(limit))
    }
}
