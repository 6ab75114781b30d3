/// Decides which tools the simulated model calls, and makes up arguments that fit their schemas.
enum ToolArguments {
    /// The calls for this prompt; none if it should be answered with text.
    ///
    /// A tool is called if the request forces one, or if the user's last message says "tool" or names one. "parallel"
    /// or "both" calls every tool, or the only one once for each name in the message.
    static func calls(for prompt: RelayPrompt) -> [RelayAnswer.ToolCall] {
        guard !prompt.tools.isEmpty, prompt.toolChoice != .none else { return [] }
        let question = prompt.question.lowercased()
        var named = prompt.tools.filter { question.contains($0.name.lowercased()) }
        switch prompt.toolChoice {
        case .named(let name): named = prompt.tools.filter { $0.name == name }
        case .required: break
        case .automatic, .none:
            guard prompt.toolResults.isEmpty, question.contains("tool") || !named.isEmpty else { return [] }
        }
        let parallel = question.contains("parallel") || question.contains("both")
        let names = properNames(in: prompt.question)
        if parallel, prompt.tools.count == 1, names.count > 1 {
            return names.map { call(prompt.tools[0], text: prompt.question, names: [$0]) }
        }
        let chosen = parallel && named.count < 2 ? prompt.tools : named.isEmpty ? [prompt.tools[0]] : named
        return (parallel ? chosen : Array(chosen.prefix(1))).map { call($0, text: prompt.question, names: names) }
    }

    private static func call(_ tool: RelayPrompt.Tool, text: String, names: [String]) -> RelayAnswer.ToolCall {
        let arguments = value(for: tool.schema, property: "", text: text, names: names, depth: 0)
        let document = arguments.members == nil ? [:] : arguments
        return .init(name: tool.name, arguments: String(decoding: document.bytes, as: UTF8.self))
    }

    /// A value that the schema allows, as near to the text as a simple rule can make it.
    static func value(for schema: Document, property: String, text: String, names: [String], depth: Int) -> Document {
        guard depth < 8 else { return nil }
        if let constant = schema["const"] { return constant }
        if let options = schema["enum"]?.elements, let first = options.first {
            return options.first { $0.text.map { text.lowercased().contains($0.lowercased()) } ?? false } ?? first
        }
        if let choices = (schema["anyOf"] ?? schema["oneOf"])?.elements, let first = choices.first {
            return value(for: first, property: property, text: text, names: names, depth: depth + 1)
        }
        let type = schema["type"]?.text ?? schema["type"]?.elements?.first?.text
        switch type ?? (schema["properties"] == nil ? "string" : "object") {
        case "object": return object(schema, text: text, names: names, depth: depth)
        case "array":
            let item = schema["items"] ?? ["type": "string"]
            return [value(for: item, property: property, text: text, names: names, depth: depth + 1)]
        case "integer": return .integer(number(in: text).flatMap { Int64(exactly: $0.rounded()) } ?? 1)
        case "number": return .number(number(in: text) ?? 1)
        case "boolean": return true
        case "null": return nil
        default: return .string(string(property: property, text: text, names: names))
        }
    }

    private static func object(_ schema: Document, text: String, names: [String], depth: Int) -> Document {
        let required = schema["required"]?.elements?.compactMap(\.text)
        var result: Document = [:]
        for member in schema["properties"]?.members ?? [] where required?.contains(member.name) ?? true {
            result.set(
                member.name,
                value(for: member.value, property: member.name, text: text, names: names, depth: depth + 1))
        }
        return result
    }

    private static func string(property: String, text: String, names: [String]) -> String {
        switch property.lowercased() {
        case "city", "location", "place", "name", "country", "person": names.first ?? "Paris"
        case "query", "question", "text", "input", "message", "prompt": text
        case "date", "day": "2026-01-01"
        case "unit", "units": "celsius"
        default: names.first ?? "example"
        }
    }

    private static func number(in text: String) -> Double? {
        text.split { !($0.isNumber || $0 == ".") }.lazy.compactMap { Double($0) }.first
    }

    /// Words with a capital letter that do not begin a sentence.
    static func properNames(in text: String) -> [String] {
        var names: [String] = []
        var begins = true
        for word in text.split(whereSeparator: \.isWhitespace) {
            let bare = word.filter { $0.isLetter || $0 == "-" }
            if !begins, bare.count > 1, bare.first?.isUppercase == true,
                bare.dropFirst().contains(where: \.isLowercase),
                !names.contains(bare)
            {
                names.append(bare)
            }
            begins = word.hasSuffix(".") || word.hasSuffix("?") || word.hasSuffix("!") || word.hasSuffix(":")
        }
        return names
    }
}
