/// What a chat request asks for, whichever format it came in.
struct RelayPrompt: Sendable {
    struct Tool: Sendable {
        var name: String
        /// JSON Schema of the arguments.
        var schema: Document
    }

    enum ToolChoice: Sendable, Equatable {
        case automatic
        case none
        case required
        case named(String)
    }

    enum Format: Sendable {
        case text
        case object
        case schema(Document)
    }

    var model = ""
    var stream = false
    /// OpenAI: the last chunk carries the usage. Anthropic streams always do.
    var includesUsage = false
    var maximumTokens: Int?
    var stopSequences: [String] = []
    var tools: [Tool] = []
    var toolChoice = ToolChoice.automatic
    var format = Format.text
    var thinks = false
    /// The text of the last message of the user.
    var question = ""
    /// Results of tools after the last message of the user.
    var toolResults: [String] = []
    var images = 0
    var messages = 0
    var promptTokens = 0

    /// Adds one content: text, or parts in either format.
    fileprivate mutating func read(_ content: Document?, role: String) {
        var text = ""
        var results: [String] = []
        if let plain = content?.text { text = plain }
        for part in content?.elements ?? [] {
            switch part["type"]?.text {
            case "text", "input_text": text += part["text"]?.text ?? ""
            case "image_url", "image", "input_image":
                images += 1
                promptTokens += 85
            case "tool_result": results.append(Self.plainText(part["content"]))
            case "tool_use": promptTokens += TokenCounter.count(part["name"]?.text ?? "") + 8
            default: promptTokens += 4
            }
        }
        promptTokens += TokenCounter.count(text) + results.reduce(0) { $0 + TokenCounter.count($1) }
        if role == "tool" {
            toolResults.append(text)
        } else if !results.isEmpty {
            toolResults += results
            if !text.isEmpty { question = text }
        } else if role == "user" {
            question = text
            toolResults = []
        }
    }

    private static func plainText(_ content: Document?) -> String {
        content?.text ?? (content?.elements ?? []).compactMap { $0["text"]?.text }.joined()
    }

    fileprivate mutating func readMessages(_ list: [Document]) {
        messages = list.count
        promptTokens += 3 + 4 * list.count
        for message in list { read(message["content"], role: message["role"]?.text ?? "user") }
    }

    fileprivate mutating func countTools() {
        for tool in tools {
            let schema = String(decoding: tool.schema.bytes, as: UTF8.self)
            promptTokens += TokenCounter.count(tool.name) + TokenCounter.count(schema)
        }
    }
}

extension RelayPrompt {
    /// A body of `POST /v1/chat/completions`.
    init(chat body: Document) {
        model = body["model"]?.text ?? ""
        stream = body["stream"]?.flag ?? false
        includesUsage = body["stream_options"]?["include_usage"]?.flag ?? false
        maximumTokens = (body["max_completion_tokens"]?.whole ?? body["max_tokens"]?.whole).map { Int(clamping: $0) }
        stopSequences = body["stop"]?.text.map { [$0] } ?? (body["stop"]?.elements ?? []).compactMap(\.text)
        for tool in body["tools"]?.elements ?? [] {
            guard let function = tool["function"], let name = function["name"]?.text else { continue }
            tools.append(Tool(name: name, schema: function["parameters"] ?? [:]))
        }
        switch body["tool_choice"] {
        case .string("none"): toolChoice = .none
        case .string("required"): toolChoice = .required
        case let choice?: toolChoice = choice["function"]?["name"]?.text.map { .named($0) } ?? .automatic
        case nil: break
        }
        switch body["response_format"]?["type"]?.text {
        case "json_object": format = .object
        case "json_schema": format = .schema(body["response_format"]?["json_schema"]?["schema"] ?? [:])
        default: break
        }
        readMessages(body["messages"]?.elements ?? [])
        countTools()
    }

    /// A body of `POST /v1/messages`.
    init(messages body: Document) {
        model = body["model"]?.text ?? ""
        stream = body["stream"]?.flag ?? false
        includesUsage = true
        maximumTokens = body["max_tokens"]?.whole.map { Int(clamping: $0) }
        stopSequences = (body["stop_sequences"]?.elements ?? []).compactMap(\.text)
        thinks = body["thinking"]?["type"]?.text == "enabled" || body["thinking"]?["type"]?.text == "adaptive"
        for tool in body["tools"]?.elements ?? [] {
            guard let name = tool["name"]?.text else { continue }
            tools.append(Tool(name: name, schema: tool["input_schema"] ?? [:]))
        }
        switch body["tool_choice"]?["type"]?.text {
        case "none": toolChoice = .none
        case "any": toolChoice = .required
        case "tool": toolChoice = body["tool_choice"]?["name"]?.text.map { .named($0) } ?? .automatic
        default: break
        }
        promptTokens += TokenCounter.count(Self.plainText(body["system"]))
        readMessages(body["messages"]?.elements ?? [])
        countTools()
    }
}
