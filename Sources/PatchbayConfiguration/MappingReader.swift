import PatchbayCore

/// Reads the members of one mapping by name. What is wrong is noted with its place; the caller goes on with a default.
struct MappingReader {
    let node: ConfigurationNode
    /// How people would name the mapping: `sites[0]`; empty for the document.
    let path: String
    let problems: ProblemList
    private let members: [ConfigurationNode.Member]

    /// Nil, with a note, if the node is no mapping. Keys that are not allowed are noted.
    init?(_ node: ConfigurationNode, path: String, allowed: [String], problems: ProblemList) {
        self.node = node
        self.path = path
        self.problems = problems
        switch node.content {
        case .map(let list):
            members = list
            for member in list where !allowed.contains(member.key) {
                problems.add(member.keyPlace, Self.unknown(member.key, in: path, allowed))
            }
        case .empty:
            members = []
        case .scalar, .list:
            problems.add(node.place, "\(path.isEmpty ? "The document" : path) must be a mapping.")
            return nil
        }
    }

    private static func unknown(_ key: String, in path: String, _ allowed: [String]) -> String {
        let place = path.isEmpty ? "" : " in \(path)"
        let list = "allowed are \(allowed.joined(separator: ", "))."
        let hint = Spelling.nearest(to: key, among: allowed).map { "did you mean \"\($0)\"?" } ?? list
        let shown = String(key.prefix(64).map { $0.isNewline ? " " : $0 })
        return "There is no key \"\(shown)\"\(place); \(hint)"
    }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The member; nil if it is absent or empty.
    func member(_ key: String) -> ConfigurationNode? {
        guard let value = members.first(where: { $0.key == key })?.value, !value.isEmpty else { return nil }
        return value
    }

    /// The text of a scalar; nil, noted, if it is something else.
    func text(_ key: String) -> String? {
        guard let member = member(key) else { return nil }
        guard case .scalar(let text, _) = member.content else {
            problems.add(member.place, "\(path(of: key)) must be a text.")
            return nil
        }
        return text
    }

    /// The text of a scalar that must be there.
    func requiredText(_ key: String) -> String? {
        guard member(key) != nil else {
            problems.add(node.place, "\(path(of: key)) is missing.")
            return nil
        }
        return text(key)
    }

    func flag(_ key: String) -> Bool? {
        value(key, "must be true or false") { ["true": true, "True": true, "false": false, "False": false][$0] }
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        value(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
        let bounds = "\(Quantity.plain(range.lowerBound)) to \(Quantity.plain(range.upperBound))"
        return value(key, "must be a number from \(bounds)") { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Milliseconds, written as `5s`, `200ms`, `1m`, `2h`.
    func duration(_ key: String, mayBeZero: Bool = false, longest: Int = 86_400_000) -> Int? {
        let shortest = mayBeZero ? 0 : 1
        let bounds = "\(mayBeZero ? "0s" : "1ms") to \(longest / 3_600_000)h"
        return value(key, "must be a duration from \(bounds) such as 200ms, 5s or 1m") { text in
            Quantity.milliseconds(text).flatMap { (shortest...longest).contains($0) ? $0 : nil }
        }
    }

    /// Bytes, written as a number or as `64KiB`, `32MiB`, `1MB`.
    func size(_ key: String, in range: ClosedRange<Int>) -> Int? {
        let bounds = "\(range.lowerBound) to \(range.upperBound) bytes"
        return value(key, "must be a size of \(bounds) such as 65536, 64KiB or 1MB") { text in
            Quantity.bytes(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    private func value<Value>(_ key: String, _ rule: String, _ parse: (String) -> Value?) -> Value? {
        guard let member = member(key) else { return nil }
        guard case .scalar(let text, _) = member.content, let value = parse(text) else {
            problems.add(member.place, "\(path(of: key)) \(rule).")
            return nil
        }
        return value
    }

    /// The items of a list with their paths; noted if it is something else.
    func list(_ key: String) -> [(node: ConfigurationNode, path: String)] {
        guard let member = member(key) else { return [] }
        guard case .list(let items) = member.content else {
            problems.add(member.place, "\(path(of: key)) must be a list.")
            return []
        }
        return items.enumerated().map { ($1, "\(path(of: key))[\($0)]") }
    }

    /// A list of texts; nil if it is absent.
    func texts(_ key: String) -> [String]? {
        guard let member = member(key) else { return nil }
        guard case .list(let items) = member.content else {
            problems.add(member.place, "\(path(of: key)) must be a list.")
            return []
        }
        var texts: [String] = []
        texts.reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            if case .scalar(let text, _) = item.content {
                texts.append(text)
            } else {
                problems.add(item.place, "\(path(of: key))[\(index)] must be a text.")
            }
        }
        return texts
    }

    /// The members of a mapping whose keys are free.
    func entries(_ key: String) -> [ConfigurationNode.Member] {
        guard let member = member(key) else { return [] }
        guard case .map(let members) = member.content else {
            problems.add(member.place, "\(path(of: key)) must be a mapping.")
            return []
        }
        return members
    }

    /// Runs a check of the whole mapping and notes its error at the part that it names.
    @discardableResult
    func check<Value>(_ body: () throws(ValidationError) -> Value) -> Value? {
        do throws(ValidationError) {
            return try body()
        } catch {
            problems.add(node.place(of: error.field), path.isEmpty ? error.description : error.inside(path).description)
            return nil
        }
    }
}
