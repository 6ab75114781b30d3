import PatchbayWire

/// What an answer needs to know of the request it answers.
package struct RequestFacts: Sendable, Hashable {
    package var format = ""
    package var stream = false
    /// Nil if the request is not known.
    package var includeUsage: Bool?
    /// The client uses the calling convention that came before tools.
    package var legacyFunctions = false
    /// The client wants no text of the model's reasoning.
    package var hidesReasoning = false
    /// The client has asked for text of the model's reasoning.
    package var wantsReasoning = false
    /// Tools that the provider runs are among the request's, so that answers may cite what they found.
    package var hasServerTools = false
    package var toolNames: [String] = []
    package var customTools: Set<String> = []

    package init() {}

    package init(_ request: CanonicalRequest) {
        format = request.origin.format
        stream = request.stream.on
        includeUsage = request.stream.includeUsage ?? false
        legacyFunctions = request.tools.contains { $0.native?["$legacy"] != nil }
        hidesReasoning = request.reasoning.expose == "none"
        wantsReasoning = request.reasoning.expose != nil && !hidesReasoning
        hasServerTools = request.tools.contains { $0.kind == .server }
        toolNames = request.tools.map(\.name)
        customTools = Set(request.tools.lazy.filter { $0.kind == .custom }.map(\.name))
    }

    private static let probe = JSONProbe([
        .object("origin", [.value("format")]), .object("stream", [.value("on"), .value("include_usage")]),
        .object("reasoning", [.value("expose")]), .value("tools"),
    ])

    /// Reads what answers need from a canonical request; anything malformed counts as absent.
    package init(parsing canonical: UnsafeRawBufferPointer) {
        self.init()
        let isProbed = withUnsafeTemporaryAllocation(of: JSONField.self, capacity: Self.probe.count) { room in
            guard let base = room.baseAddress, let present = Self.probe.find(in: canonical, base) else { return false }
            read(JSONProbeFields(base, present: present, of: canonical), of: canonical)
            return true
        }
        if isProbed { return }
        // A member that is there twice, or whose name has escapes.
        try? JSONNode.with(canonical, malformed: ConversionError.malformed) { document throws(ConversionError) in
            read(document)
        }
    }

    private mutating func read(_ fields: JSONProbeFields, of canonical: UnsafeRawBufferPointer) {
        format = fields[1]?.string(in: canonical) ?? ""
        stream = fields[3]?.boolValue ?? false
        includeUsage = fields[4]?.boolValue ?? false
        if let expose = fields[6] { take(expose: expose.string(in: canonical)) }
        guard let tools = fields[7] else { return }
        try? JSONNode.with(tools.bytes(in: canonical), malformed: ConversionError.malformed) {
            list throws(ConversionError) in readTools(list)
        }
    }

    private mutating func read(_ document: JSONNode) {
        format = document["origin"]?["format"]?.stringValue ?? ""
        stream = document["stream"]?["on"]?.boolValue ?? false
        includeUsage = document["stream"]?["include_usage"]?.boolValue ?? false
        if let expose = document["reasoning"]?["expose"] { take(expose: expose.stringValue) }
        if let tools = document["tools"] { readTools(tools) }
    }

    private mutating func take(expose word: String?) {
        hidesReasoning = word == "none"
        wantsReasoning = !hidesReasoning
    }

    private mutating func readTools(_ list: JSONNode) {
        for tool in list.elements {
            guard let name = tool["name"]?.stringValue else { continue }
            toolNames.append(name)
            if let kind = tool["kind"] {
                if kind.equals("custom") { customTools.insert(name) }
                if kind.equals("server") { hasServerTools = true }
            }
            if tool["native"]?["openai.chat"]?["$legacy"] != nil { legacyFunctions = true }
        }
    }
}
