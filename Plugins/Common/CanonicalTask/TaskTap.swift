import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Reads from an answer what accounting needs, without building a tree of it.
enum TaskTap<Format: TaskFormat> {
    /// A complete answer.
    static func document(_ wire: ByteView, into events: inout EventWriter) throws(PluginError) {
        var tape = JSONTape()
        do throws(JSONError) {
            try tape.parse(wire.raw)
        } catch {
            guard Format.acceptsText, !isPage(wire) else {
                throw PluginError(.invalid, "The answer is not valid JSON: \(error.message).")
            }
            return events.start(id: "", model: "")
        }
        let root = tape.root
        guard Format.answerMembers.contains(where: { tape.present(root, named: $0) != nil }) || isList(tape) else {
            // A recording may have said something that reads as JSON.
            if Format.acceptsText, tape.kind(root) != .object { return events.start(id: "", model: "") }
            return try failure(tape, into: &events)
        }
        start(tape, into: &events)
        usage(tape, into: &events)
        events.finish(.stop, stopSequence: nil, native: nil)
    }

    static func start(_ tape: borrowing JSONTape, into events: inout EventWriter) {
        let id = tape.member(tape.root, named: "id").flatMap { tape.string($0) } ?? ""
        let model = tape.member(tape.root, named: "model").flatMap { tape.string($0) } ?? ""
        events.start(id: id, model: model)
    }

    /// - Parameter completions: how many images a stream has completed; nil for everything else.
    static func usage(_ tape: borrowing JSONTape, completions: Int? = nil, into events: inout EventWriter) {
        let counts = TokenCounts(task: tape, tape.root)
        var billed = Format.units(tape, tape.root)
        if let completions { billed.images = completions }
        let units = billed.document
        if !counts.isEmpty || units != nil { events.usage(counts.counters, unitsJSON: units) }
    }

    static func error(_ tape: borrowing JSONTape) -> CanonicalError {
        CanonicalError(
            format: Format.id.description, status: nil, body: ErrorBody(JSONValue(tape, tape.root)))
    }

    /// Some rerankers answer with the list of results itself.
    private static func isList(_ tape: borrowing JSONTape) -> Bool {
        Format.answerMembers.contains { $0.description == "results" } && tape.kind(tape.root) == .array
    }

    /// A page of a proxy or of a site without this endpoint.
    private static func isPage(_ wire: ByteView) -> Bool {
        let start = wire.trimmed
        return start.hasPrefix("<!") || start.hasPrefix("<html") || start.hasPrefix("<HTML")
    }

    /// An error with a status of success; anything else is no answer of the format.
    private static func failure(_ tape: borrowing JSONTape, into events: inout EventWriter) throws(PluginError) {
        let names: [StaticString] = ["error", "message", "msg", "detail", "errors"]
        guard names.contains(where: { tape.present(tape.root, named: $0) != nil }) else {
            let members = Format.answerMembers.map { "`\($0)`" }.joined(separator: " or ")
            throw PluginError(.invalid, "An answer of \(Format.id) must have \(members).")
        }
        let error = error(tape)
        events.start(id: "", model: "")
        events.error(error.category, message: error.message, code: error.code, type: error.type)
    }
}
