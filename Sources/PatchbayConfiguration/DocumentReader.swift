/// Turns YAML text into nodes: bounded, with aliases, merge keys and variables resolved.
struct DocumentReader {
    /// Nodes after aliases have been followed, so that a few aliases of aliases cannot fill the memory.
    private static let nodeLimit = 500_000
    private static let depthLimit = 64

    /// What an alias stands for, and how many nodes that is.
    private struct Anchored {
        var node: ConfigurationNode
        var count: Int
    }

    private let expansion: Expansion
    private let problems: ProblemList
    private let events: YAMLEvents
    private var nodes = 0
    private var anchors: [String: Anchored] = [:]

    /// - Parameter bytes: valid UTF-8.
    init(_ bytes: [UInt8], expansion: Expansion, problems: ProblemList) {
        events = YAMLEvents(bytes)
        self.expansion = expansion
        self.problems = problems
    }

    /// The root; nil if the document is empty or cannot be read, which is noted.
    mutating func read() -> ConfigurationNode? {
        do throws(YAMLEvents.Failure) {
            guard case .documentStart = try events.next() else { return nil }
            let root = try node(try events.next(), depth: 0)
            guard case .end = try events.next() else {
                throw failure(events.place, "This is not valid YAML: there is another document in the file.")
            }
            return root
        } catch {
            problems.add(error.place, error.sentence)
            return nil
        }
    }

    private func failure(_ place: Place, _ sentence: String) -> YAMLEvents.Failure {
        YAMLEvents.Failure(place: place, sentence: sentence)
    }

    /// The node that begins with an event.
    private mutating func node(
        _ event: YAMLEvents.Event, depth: Int
    ) throws(YAMLEvents.Failure) -> ConfigurationNode {
        let place = events.place
        let anchor = events.anchor
        let before = nodes
        try count(1, at: place)
        guard depth <= Self.depthLimit else {
            throw failure(place, "The document is nested more than \(Self.depthLimit) deep.")
        }
        let content: ConfigurationNode.Content
        switch event {
        case .scalar(let text, let isPlain): content = scalar(text, isPlain: isPlain, at: place)
        case .list: content = .list(try items(depth: depth))
        case .map: content = .map(try members(depth: depth))
        case .alias(let name):
            guard let anchored = anchors[name] else {
                throw failure(place, "This is not valid YAML: found undefined alias.")
            }
            try count(anchored.count - 1, at: place)
            return anchored.node
        case .listEnd, .mapEnd, .documentStart, .end:
            throw failure(place, "This is not valid YAML: a value is missing.")
        }
        let node = ConfigurationNode(place: place, content: content)
        if let anchor { anchors[anchor] = Anchored(node: node, count: nodes - before) }
        return node
    }

    private mutating func count(_ more: Int, at place: Place) throws(YAMLEvents.Failure) {
        nodes += more
        guard nodes <= Self.nodeLimit else {
            throw failure(place, "The document has more than \(Self.nodeLimit) nodes after its aliases.")
        }
    }

    private func scalar(_ text: String, isPlain: Bool, at place: Place) -> ConfigurationNode.Content {
        if isPlain, text.utf8.count <= 4, ["", "~", "null", "Null", "NULL"].contains(text) { return .empty }
        switch expansion.expand(text) {
        case .success(let expanded):
            return .scalar(expanded, quoted: !isPlain || expanded.isEmpty)
        case .failure(let failure):
            problems.addUnreadable(place, failure.sentence)
            return .scalar("", quoted: true)
        }
    }

    private mutating func items(depth: Int) throws(YAMLEvents.Failure) -> [ConfigurationNode] {
        var items: [ConfigurationNode] = []
        while true {
            let event = try events.next()
            if case .listEnd = event { return items }
            items.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func members(depth: Int) throws(YAMLEvents.Failure) -> [ConfigurationNode.Member] {
        var members: [ConfigurationNode.Member] = []
        var merged: [ConfigurationNode] = []
        // Short mappings are searched, long ones remembered.
        var names: Set<String> = []
        while true {
            let event = try events.next()
            if case .mapEnd = event { break }
            let place = events.place
            guard let (name, isPlain) = try key(event, depth: depth) else {
                problems.add(place, "A key must be a word, not a list or a mapping.")
                _ = try node(try events.next(), depth: depth + 1)
                continue
            }
            let value = try node(try events.next(), depth: depth + 1)
            if name == "<<", isPlain {
                merged.append(value)
                continue
            }
            if members.count == 16 { names = Set(members.map(\.key)) }
            let isKnown = members.count < 16 ? members.contains { $0.key == name } : !names.insert(name).inserted
            if isKnown { problems.add(place, "The key \"\(name)\" is given more than once in one mapping.") }
            members.append(.init(key: name, keyPlace: place, value: value))
        }
        for source in merged { merge(source, into: &members) }
        return members
    }

    /// The text of a key; nil if it is not a word, in which case all of it has been read.
    private mutating func key(
        _ event: YAMLEvents.Event, depth: Int
    ) throws(YAMLEvents.Failure) -> (name: String, isPlain: Bool)? {
        if case .scalar(let name, let isPlain) = event {
            let place = events.place
            if let anchor = events.anchor {
                let content = scalar(name, isPlain: isPlain, at: place)
                anchors[anchor] = Anchored(node: ConfigurationNode(place: place, content: content), count: 1)
            }
            return (name, isPlain)
        }
        let node = try node(event, depth: depth + 1)
        guard case .alias = event, case .scalar(let name, let quoted) = node.content else { return nil }
        return (name, !quoted)
    }

    /// Adds what is not there yet, as YAML's merge key says.
    private func merge(_ source: ConfigurationNode, into members: inout [ConfigurationNode.Member]) {
        switch source.content {
        case .map(let more):
            var known = Set(members.map(\.key))
            for member in more where known.insert(member.key).inserted { members.append(member) }
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
}
