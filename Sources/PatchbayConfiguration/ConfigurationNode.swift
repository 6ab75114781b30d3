/// A place in the configuration file, both numbers from 1.
struct Place: Hashable, Comparable, Sendable {
    var line: Int
    var column: Int

    static func < (left: Place, right: Place) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// A part of the document after aliases, merge keys and variables have been resolved.
struct ConfigurationNode: Sendable {
    enum Content: Sendable {
        /// Nothing was written, or `null`.
        case empty
        case scalar(String, quoted: Bool)
        case list([ConfigurationNode])
        case map([Member])
    }

    struct Member: Sendable {
        var key: String
        var keyPlace: Place
        var value: ConfigurationNode
    }

    var place: Place
    var content: Content

    var isEmpty: Bool {
        if case .empty = content { return true }
        return false
    }

    /// Whether some list in the document is long.
    var isLarge: Bool {
        guard case .map(let members) = content else { return false }
        return members.contains { member in
            if case .list(let items) = member.value.content { items.count > 1_000 } else { false }
        }
    }

    /// The place of the deepest part that a path such as `channels[0].weight` leads to.
    func place(of path: String) -> Place {
        var current = self
        for step in path.split(whereSeparator: { ".[]".contains($0) }) {
            guard let next = current.child(step) else { break }
            current = next
        }
        return current.place
    }

    private func child(_ step: Substring) -> ConfigurationNode? {
        switch content {
        case .map(let members):
            if let member = members.first(where: { $0.key == step }) { return member.value }
            return Int(step).flatMap { members.indices.contains($0) ? members[$0].value : nil }
        case .list(let items):
            return Int(step).flatMap { items.indices.contains($0) ? items[$0] : nil }
        case .empty, .scalar:
            return nil
        }
    }
}

/// What has been found wrong so far.
final class ProblemList {
    private static let limit = 100
    private let file: String
    private var found: [ConfigurationError.Problem] = []
    /// Places whose value is unknown, so that nothing more can be said about it.
    private var unreadable: Set<Place> = []

    init(file: String) { self.file = file }

    func add(_ place: Place?, _ sentence: String) {
        guard found.count < Self.limit, place.map({ !unreadable.contains($0) }) ?? true else { return }
        let problem = ConfigurationError.Problem(
            file: file, line: place?.line ?? 0, column: place?.column ?? 0, sentence: sentence)
        if !found.contains(problem) { found.append(problem) }
    }

    /// Adds what makes the value at a place unknown; later problems of that place follow from it and are dropped.
    func addUnreadable(_ place: Place, _ sentence: String) {
        add(place, sentence)
        unreadable.insert(place)
    }

    /// In the order of the file; nil if nothing is wrong.
    var error: ConfigurationError? {
        guard !found.isEmpty else { return nil }
        let ordered = found.enumerated().sorted { left, right in
            (left.element.line, left.element.column, left.offset) < (
                right.element.line, right.element.column, right.offset
            )
        }
        return ConfigurationError(problems: ordered.map(\.element))
    }
}
