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
    /// What is needed stands in four small members.
    package init(parsing canonical: UnsafeRawBufferPointer) {
        self.init()
        var scanner = JSONFieldScanner(["origin", "stream", "reasoning", "tools"])
        guard (try? scanner.scan(canonical)) != nil else { return }
        var tape = JSONTape()
        if Self.parse(scanner[0], of: canonical, &tape), let value = tape.member(tape.root, named: "format") {
            format = tape.string(value) ?? ""
        }
        includeUsage = false
        if Self.parse(scanner[1], of: canonical, &tape) {
            stream = tape.member(tape.root, named: "on").flatMap { tape.bool($0) } ?? false
            includeUsage = tape.member(tape.root, named: "include_usage").flatMap { tape.bool($0) } ?? false
        }
        if Self.parse(scanner[2], of: canonical, &tape), let value = tape.member(tape.root, named: "expose") {
            hidesReasoning = tape.equals(value, "none")
            wantsReasoning = !hidesReasoning
        }
        if Self.parse(scanner[3], of: canonical, &tape) { readTools(tape) }
    }

    private static func parse(
        _ field: JSONField?, of document: UnsafeRawBufferPointer, _ tape: inout JSONTape
    ) -> Bool {
        guard let field else { return false }
        return (try? tape.parse(field.bytes(in: document))) != nil
    }

    private mutating func readTools(_ tape: borrowing JSONTape) {
        for tool in tape.elements(of: tape.root) {
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
