import PatchbayPlugin

/// Canonical request → a request of Cohere's.
struct RequestWriter {
    let model: String
    let isStream: Bool
    /// Records what cannot be carried over.
    let lose: (LossSeverity, String, String) -> Void

    private static let sampling = [
        "temperature": "temperature", "top_p": "p", "top_k": "k", "seed": "seed",
        "frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty", "logprobs": "logprobs",
    ]

    func write(_ request: JSON) throws -> JSON {
        var members: [JSON.Member] = []
        func add(_ key: String, _ value: JSON?) {
            if let value { members.append(JSON.Member(key: key, value: value)) }
        }
        add("model", .string(model.isEmpty ? request["model"]?["requested"]?.text ?? "" : model))
        add("messages", .array(try messages(request)))
        if isStream { add("stream", .bool(true)) }
        add("max_tokens", request["limits"]?.present("max_output"))
        for value in request["sampling"]?.object ?? [] {
            if value.key == "stop" {
                add("stop_sequences", value.value)
            } else if let name = Self.sampling[value.key] {
                add(name, value.value)
            } else if value.key != "n" || value.value.int != 1 {
                lose(.degrade, "sampling.\(value.key)", "/sampling/\(value.key)")
            }
        }
        add("tools", try tools(request))
        add("tool_choice", choice(request["tool_choice"]))
        if request["parallel_tools"]?.flag == false { lose(.degrade, "parallel_tools", "/parallel_tools") }
        add("response_format", format(request["output"]?["format"]))
        add("thinking", thinking(request["reasoning"]))
        addNative(request["native"], to: &members)
        return .object(members)
    }

    private func addNative(_ native: JSON?, to members: inout [JSON.Member]) {
        for bag in native?.object ?? [] {
            let isOwn = bag.key == FormatCohereChat.format
            for member in bag.value.object ?? [] where !member.key.hasPrefix("$") && member.value != .null {
                if isOwn { members.append(member) } else { lose(.info, "native.\(member.key)", "/native/\(bag.key)") }
            }
        }
    }

    // MARK: - Messages

    private func messages(_ request: JSON) throws -> [JSON] {
        var list: [JSON] = []
        for turn in (request["system"]?.list ?? []) + (request["turns"]?.list ?? []) {
            let parts = turn["parts"]?.list ?? []
            switch turn["role"]?.text {
            case "assistant": list.append(try assistant(parts))
            case "system", "developer":
                list.append(.members(["role": .string("system"), "content": .array(try parts.map(content))]))
            default:
                // Results of tools are messages of their own, in front of what the user says beside them.
                for part in parts where part["k"]?.text == "tool_result" { list.append(try result(part)) }
                let rest = parts.filter { $0["k"]?.text != "tool_result" }
                if !rest.isEmpty {
                    list.append(.members(["role": .string("user"), "content": .array(try rest.map(content))]))
                }
            }
        }
        return list
    }

    private func assistant(_ parts: [JSON]) throws -> JSON {
        var shown: [JSON] = []
        var calls: [JSON] = []
        var plan = ""
        for part in parts {
            switch part["k"]?.text {
            case "tool_call":
                calls.append(
                    .members([
                        "id": part["call_id"], "type": .string("function"),
                        "function": .members(["name": part["name"], "arguments": part["args_raw"] ?? .string("{}")]),
                    ]))
            case "reasoning":
                // Opaque state belongs to another provider, and its text with it.
                if part["opaque"] == nil { plan += part["text"]?.text ?? "" }
            case "reasoning_redacted": break
            default: shown.append(try content(part))
            }
        }
        return .members([
            "role": .string("assistant"), "content": shown.isEmpty ? nil : .array(shown),
            "tool_plan": plan.isEmpty || calls.isEmpty ? nil : .string(plan),
            "tool_calls": calls.isEmpty ? nil : .array(calls),
        ])
    }

    private func result(_ part: JSON) throws -> JSON {
        .members([
            "role": .string("tool"), "tool_call_id": part["call_id"],
            "content": .array(try (part["content"]?.list ?? []).map(content)),
        ])
    }

    private func content(_ part: JSON) throws -> JSON {
        switch part["k"]?.text {
        case "text", "refusal": return .members(["type": .string("text"), "text": part["text"] ?? .string("")])
        case "image":
            return .members([
                "type": .string("image_url"),
                "image_url": .members(["url": .string(try url(part["src"])), "detail": part["detail"]]),
            ])
        case "unknown" where part["value"] != nil: return part["value"] ?? .null
        case let kind: throw PluginError(.unsupported, "cohere.chat takes no \(kind ?? "part") in a message")
        }
    }

    private func url(_ source: JSON?) throws -> String {
        if let url = source?["url"]?.text { return url }
        guard let data = source?["data"]?.text else {
            throw PluginError(.unsupported, "cohere.chat takes images as data or by address, not by the id of a file")
        }
        return "data:\(source?["mime"]?.text ?? "image/png");base64,\(data)"
    }

    // MARK: - Settings

    private func tools(_ request: JSON) throws -> JSON? {
        guard let tools = request["tools"]?.list, !tools.isEmpty else { return nil }
        return .array(
            try tools.map { tool in
                guard tool["kind"]?.text == "function" else {
                    throw PluginError(.unsupported, "`tools`: cohere.chat knows functions only")
                }
                return .members([
                    "type": .string("function"),
                    "function": .members([
                        "name": tool["name"], "description": tool["description"],
                        "parameters": tool["schema"] ?? .members(["type": .string("object")]),
                    ]),
                ])
            })
    }

    private func choice(_ choice: JSON?) -> JSON? {
        switch choice?["mode"]?.text {
        case "required": return .string("REQUIRED")
        case "none": return .string("NONE")
        case "named", "allowed":
            // One of several tools cannot be named.
            lose(.semantic, "tool_choice.names", "/tool_choice/names")
            return choice?["mode"]?.text == "named" ? .string("REQUIRED") : nil
        default: return nil
        }
    }

    private func format(_ format: JSON?) -> JSON? {
        switch format?["kind"]?.text {
        case "json": .members(["type": .string("json_object")])
        case "json_schema": .members(["type": .string("json_object"), "json_schema": format?.present("schema")])
        default: nil
        }
    }

    private func thinking(_ reasoning: JSON?) -> JSON? {
        guard let reasoning else { return nil }
        let effort = reasoning["effort"]?.text
        if reasoning["mode"]?.text == "off" || effort == "none" { return .members(["type": .string("disabled")]) }
        if let effort { lose(.info, "reasoning.\(effort)", "/reasoning/effort") }
        return .members(["type": .string("enabled"), "token_budget": reasoning.present("budget")])
    }
}
