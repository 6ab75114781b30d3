import PatchbayPlugin

/// A request of Cohere's → canonical request.
enum RequestReader {
    /// Members that mean the same under another name.
    private static let sampling = [
        "temperature": "temperature", "p": "top_p", "k": "top_k", "seed": "seed",
        "frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty",
    ]

    static func read(_ body: JSON) throws -> JSON {
        guard let members = body.object else { throw invalid("the body must be a JSON object") }
        guard let model = body["model"]?.text, !model.isEmpty else { throw invalid("`model` must be a string") }
        guard let messages = body["messages"]?.list, !messages.isEmpty else {
            throw invalid("`messages` must be a non-empty array")
        }
        var system: [JSON] = []
        var turns: [JSON] = []
        for (index, message) in messages.enumerated() {
            let turn = try turn(message, index)
            if message["role"]?.text == "system", turns.isEmpty { system.append(turn) } else { turns.append(turn) }
        }
        var values: [JSON.Member] = []
        var native: [JSON.Member] = []
        for member in members where member.value != .null {
            switch member.key {
            case "model", "messages", "stream", "max_tokens", "tools", "tool_choice", "response_format", "thinking":
                break
            case "stop_sequences": values.append(JSON.Member(key: "stop", value: member.value))
            case "logprobs": values.append(member)
            case let key:
                if let name = sampling[key] {
                    values.append(JSON.Member(key: name, value: member.value))
                } else {
                    native.append(member)
                }
            }
        }
        return .members([
            "canon": .int(1), "operation": .string("generate"),
            "origin": .members(["format": .string(FormatCohereChat.format)]),
            "model": .members(["requested": .string(model)]),
            "stream": .members(["on": .bool(body["stream"]?.flag ?? false)]),
            "limits": body.present("max_tokens").map { .members(["max_output": $0]) },
            "sampling": values.isEmpty ? nil : .object(values), "system": .array(system), "turns": .array(turns),
            "tools": body.present("tools")?.list.map { .array($0.map(tool)) },
            "tool_choice": choice(body["tool_choice"]), "output": output(body["response_format"]),
            "reasoning": reasoning(body["thinking"]),
            "native": native.isEmpty ? nil : .members([FormatCohereChat.format: .object(native)]),
        ])
    }

    // MARK: - Messages

    private static func turn(_ message: JSON, _ index: Int) throws -> JSON {
        guard let role = message["role"]?.text, ["user", "assistant", "system", "tool"].contains(role) else {
            throw invalid("`messages[\(index)].role` must be user, assistant, system or tool")
        }
        if role == "tool" {
            guard let id = message["tool_call_id"]?.text else {
                throw invalid("`messages[\(index)].tool_call_id` must be a string")
            }
            let result = JSON.members([
                "k": .string("tool_result"), "call_id": .string(id),
                "content": .array(try parts(message["content"], index)),
            ])
            return .members(["role": .string(role), "parts": .array([result])])
        }
        var list: [JSON] = []
        // What the model thinks before it calls: the nearest thing elsewhere is reasoning.
        if let plan = message["tool_plan"]?.text, !plan.isEmpty {
            list.append(.members(["k": .string("reasoning"), "text": .string(plan)]))
        }
        list += try parts(message["content"], index)
        list += (message["tool_calls"]?.list ?? []).map(call)
        return .members(["role": .string(role), "parts": .array(list)])
    }

    static func call(_ call: JSON) -> JSON {
        .members([
            "k": .string("tool_call"), "call_id": call["id"] ?? .string(""),
            "name": call["function"]?["name"] ?? .string(""),
            "args_raw": .string(call["function"]?["arguments"]?.text ?? ""),
        ])
    }

    private static func parts(_ content: JSON?, _ index: Int) throws -> [JSON] {
        if let text = content?.text { return [.members(["k": .string("text"), "text": .string(text)])] }
        return try (content?.list ?? []).map { part in
            guard let type = part["type"]?.text else {
                throw invalid("`messages[\(index)].content[].type` must be a string")
            }
            return try Self.part(part, type: type) ?? .members(["k": .string("unknown"), "value": part])
        }
    }

    private static func part(_ part: JSON, type: String) throws -> JSON? {
        switch type {
        case "text": return .members(["k": .string("text"), "text": part["text"] ?? .string("")])
        case "thinking": return .members(["k": .string("reasoning"), "text": part["thinking"] ?? .string("")])
        case "image_url":
            guard let url = part["image_url"]?["url"]?.text else { throw invalid("`image_url.url` must be a string") }
            return .members([
                "k": .string("image"), "src": source(url), "detail": part["image_url"]?.present("detail"),
            ])
        case "document":
            let data = part["document"]?["data"]
            return .members(["k": .string("text"), "text": .string(data?.text ?? data?.description ?? "")])
        default: return nil
        }
    }

    /// `data:image/png;base64,…` or an address.
    private static func source(_ url: String) -> JSON {
        let pieces = url.split(separator: ",", maxSplits: 1)
        guard url.hasPrefix("data:"), pieces.count == 2, pieces[0].hasSuffix(";base64") else {
            return .members(["kind": .string("url"), "url": .string(url)])
        }
        return .members([
            "kind": .string("base64"), "mime": .string(String(pieces[0].dropFirst(5).dropLast(7))),
            "data": .string(String(pieces[1])),
        ])
    }

    // MARK: - Settings

    private static func tool(_ tool: JSON) -> JSON {
        let function = tool["function"]
        return .members([
            "kind": .string("function"), "name": function?["name"] ?? .string(""),
            "description": function?.present("description"), "schema": function?.present("parameters"),
        ])
    }

    private static func choice(_ choice: JSON?) -> JSON? {
        switch choice?.text {
        case "REQUIRED": .members(["mode": .string("required")])
        case "NONE": .members(["mode": .string("none")])
        default: nil
        }
    }

    private static func output(_ format: JSON?) -> JSON? {
        guard format?["type"]?.text == "json_object" else { return nil }
        let schema = format?.present("json_schema") ?? format?.present("schema")
        return .members([
            "format": .members(["kind": .string(schema == nil ? "json" : "json_schema"), "schema": schema])
        ])
    }

    private static func reasoning(_ thinking: JSON?) -> JSON? {
        guard let type = thinking?["type"]?.text else { return nil }
        return .members([
            "mode": .string(type == "disabled" ? "off" : "on"), "budget": thinking?.present("token_budget"),
        ])
    }

    static func invalid(_ sentence: String) -> PluginError { PluginError(.invalid, sentence) }
}
