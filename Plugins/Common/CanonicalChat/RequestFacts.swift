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

    /// Reads what answers need from a canonical request; anything malformed counts as absent.
    ///
    /// Walks the document without building a tree, because it happens once per answer.
    package init(parsing canonical: UnsafeRawBufferPointer) {
        self.init()
        var tape = JSONTape()
        guard (try? tape.parse(canonical)) != nil else { return }
        if let value = tape.member(tape.root, path: "origin", "format") { format = tape.string(value) ?? "" }
        if let value = tape.member(tape.root, path: "stream", "on") { stream = tape.bool(value) ?? false }
        includeUsage = tape.member(tape.root, path: "stream", "include_usage").flatMap { tape.bool($0) } ?? false
        if let value = tape.member(tape.root, path: "reasoning", "expose") {
            hidesReasoning = tape.equals(value, "none")
            wantsReasoning = !hidesReasoning
        }
        guard let tools = tape.member(tape.root, named: "tools") else { return }
        for tool in tape.elements(of: tools) {
            guard let name = tape.member(tool, named: "name").flatMap({ tape.string($0) }) else { continue }
            toolNames.append(name)
            if let kind = tape.member(tool, named: "kind") {
                if tape.equals(kind, "custom") { customTools.insert(name) }
                if tape.equals(kind, "server") { hasServerTools = true }
            }
            if tape.member(tool, path: "native", "openai.chat", "$legacy") != nil { legacyFunctions = true }
        }
    }
}
