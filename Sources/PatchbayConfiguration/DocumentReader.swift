import Yams

/// Turns YAML text into nodes: bounded, with aliases, merge keys and variables resolved.
struct DocumentReader {
    /// Nodes after aliases have been followed, so that a few aliases of aliases cannot fill the memory.
    private static let nodeLimit = 500_000
    private static let depthLimit = 64

    /// Ends the reading of a document that is too large or too deep.
    private struct Exceeded: Error {
        var place: Place
        var sentence: String
    }

    private let expansion: Expansion
    private let problems: ProblemList
    private var nodes = 0

    init(expansion: Expansion, problems: ProblemList) {
        self.expansion = expansion
        self.problems = problems
    }

    /// The root; nil if the document is empty or cannot be read, which is noted.
    mutating func read(_ text: String) -> ConfigurationNode? {
        do {
            // The encoding is given because the default would read the environment.
            guard let root = try Parser(yaml: text, encoding: .utf8).singleRoot() else { return nil }
            return try convert(root, depth: 0)
        } catch let error as YamlError {
            note(error, in: text)
        } catch let error as Exceeded {
            problems.add(error.place, error.sentence)
        } catch {
            problems.add(nil, "The file cannot be read as YAML.")
        }
        return nil
    }

    private mutating func convert(_ node: Node, depth: Int) throws -> ConfigurationNode {
        let place = Self.place(node.mark)
        nodes += 1
        guard nodes <= Self.nodeLimit else {
            throw Exceeded(
                place: place, sentence: "The document has more than \(Self.nodeLimit) nodes after its aliases.")
        }
        guard depth <= Self.depthLimit else {
            throw Exceeded(place: place, sentence: "The document is nested more than \(Self.depthLimit) deep.")
        }
        switch node {
        case .scalar(let scalar):
            return ConfigurationNode(place: place, content: convert(scalar, at: place))
        case .sequence(let items):
            var list: [ConfigurationNode] = []
            for item in items { list.append(try convert(item, depth: depth + 1)) }
            return ConfigurationNode(place: place, content: .list(list))
        case .mapping(let mapping):
            return ConfigurationNode(place: place, content: .map(try convert(mapping, depth: depth)))
        case .alias:
            throw Exceeded(place: place, sentence: "An alias has no anchor.")
        }
    }

    private func convert(_ scalar: Node.Scalar, at place: Place) -> ConfigurationNode.Content {
        let isPlain = scalar.style == .plain || scalar.style == .any
        if isPlain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .empty }
        switch expansion.expand(scalar.string) {
        case .success(let text):
            return .scalar(text, quoted: !isPlain || text.isEmpty)
        case .failure(let failure):
            problems.addUnreadable(place, failure.sentence)
            return .scalar("", quoted: true)
        }
    }

    private mutating func convert(_ mapping: Node.Mapping, depth: Int) throws -> [ConfigurationNode.Member] {
        var members: [ConfigurationNode.Member] = []
        var merged: [ConfigurationNode] = []
        for (key, value) in mapping {
            let place = Self.place(key.mark)
            guard case .scalar(let name) = key else {
                problems.add(place, "A key must be a word, not a list or a mapping.")
                continue
            }
            let converted = try convert(value, depth: depth + 1)
            if name.string == "<<", name.style == .plain {
                merged.append(converted)
            } else {
                // A value that is not there has the place of the empty text behind its key.
                members.append(.init(key: name.string, keyPlace: place, value: converted))
            }
        }
        for source in merged { merge(source, into: &members) }
        return members
    }

    /// Adds what is not there yet, as YAML's merge key says.
    private func merge(_ source: ConfigurationNode, into members: inout [ConfigurationNode.Member]) {
        switch source.content {
        case .map(let more):
            for member in more where !members.contains(where: { $0.key == member.key }) { members.append(member) }
        case .list(let sources):
            for source in sources {
                if case .map = source.content {
                    merge(source, into: &members)
                } else {
                    problems.add(source.place, "<< takes a mapping or a list of mappings.")
                }
            }
        case .empty, .scalar:
            problems.add(source.place, "<< takes a mapping or a list of mappings.")
        }
    }

    private static func place(_ mark: Mark?) -> Place { Place(line: mark?.line ?? 1, column: mark?.column ?? 1) }

    private func note(_ error: YamlError, in text: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let detail = context.map { " \($0.text)" } ?? ""
            problems.add(Self.place(mark), "This is not valid YAML: \(problem)\(detail).")
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
            problems.add(Self.place(context.mark), "The key \(names) is given more than once in one mapping.")
        case .reader(let problem, let offset, _, _):
            problems.add(offset.map { Self.place(at: $0, in: text) }, "This is not valid YAML: \(problem).")
        default:
            problems.add(nil, "The file cannot be read as YAML.")
        }
    }

    private static func place(at offset: Int, in text: String) -> Place {
        var place = Place(line: 1, column: 1)
        for character in text.prefix(offset) {
            if character.isNewline {
                place.line += 1
                place.column = 1
            } else {
                place.column += character.unicodeScalars.count
            }
        }
        return place
    }
}
