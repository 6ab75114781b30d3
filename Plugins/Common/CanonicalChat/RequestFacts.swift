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
    /// What is needed stands in four members; the rest is stepped over.
    package init(parsing canonical: UnsafeRawBufferPointer) {
        self.init()
        guard var reader = try? JSONReader(canonical) else { return }
        do throws(JSONError) {
            try reader.object { name, reader throws(JSONError) in
                if name.equals("origin") {
                    try readOrigin(&reader, of: canonical)
                } else if name.equals("stream") {
                    try readStream(&reader)
                } else if name.equals("reasoning") {
                    try readReasoning(&reader, of: canonical)
                } else if name.equals("tools") {
                    readTools(try reader.value().bytes(in: canonical))
                } else {
                    _ = try reader.value()
                }
            }
            includeUsage = includeUsage ?? false
        } catch {
            self = RequestFacts()
        }
    }

    private mutating func readOrigin(
        _ reader: inout JSONReader, of canonical: UnsafeRawBufferPointer
    ) throws(JSONError) {
        guard try reader.isAtObject() else { return _ = try reader.value() }
        try reader.object { name, reader throws(JSONError) in
            let field = try reader.value()
            if name.equals("format") { format = field.string(in: canonical) ?? "" }
        }
    }

    private mutating func readStream(_ reader: inout JSONReader) throws(JSONError) {
        guard try reader.isAtObject() else { return _ = try reader.value() }
        try reader.object { name, reader throws(JSONError) in
            let kind = try reader.value().kind
            let flag = if case .true = kind { true } else { false }
            if name.equals("on") { stream = flag }
            if name.equals("include_usage") { includeUsage = flag }
        }
    }

    private mutating func readReasoning(
        _ reader: inout JSONReader, of canonical: UnsafeRawBufferPointer
    ) throws(JSONError) {
        guard try reader.isAtObject() else { return _ = try reader.value() }
        try reader.object { name, reader throws(JSONError) in
            let field = try reader.value()
            if name.equals("expose") {
                hidesReasoning = field.string(in: canonical) == "none"
                wantsReasoning = !hidesReasoning
            }
        }
    }

    private mutating func readTools(_ list: UnsafeRawBufferPointer) {
        try? JSONNode.with(list, malformed: ConversionError.malformed) { list throws(ConversionError) in
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
}
