import PatchbayPlugin

/// A complete answer of Cohere's → canonical response. It equals the fold of the events of the same answer streamed.
enum ResponseReader {
    static func read(_ answer: JSON, model: String) throws -> JSON {
        guard let message = answer.present("message"), message.object != nil else {
            throw PluginError(.invalid, "`message` must be an object in an answer of cohere.chat")
        }
        var parts: [JSON] = []
        if let plan = message["tool_plan"]?.text, !plan.isEmpty {
            parts.append(.members(["k": .string("reasoning"), "text": .string(plan)]))
        }
        for part in message["content"]?.list ?? [] {
            switch part["type"]?.text {
            case "thinking":
                parts.append(.members(["k": .string("reasoning"), "text": part["thinking"] ?? .string("")]))
            default: parts.append(.members(["k": .string("text"), "text": part["text"] ?? .string("")]))
            }
        }
        parts += (message["tool_calls"]?.list ?? []).map(RequestReader.call)
        let word = answer["finish_reason"]?.text ?? "COMPLETE"
        return .members([
            "canon": .int(1), "id": answer["id"] ?? .string(""), "model": .string(model),
            "choices": .array([
                .members([
                    "index": .int(0), "parts": .array(parts),
                    "finish": .members([
                        "reason": .string(Finish(word: word).canonical), "native": .string(word),
                    ]),
                ])
            ]),
            "usage": Usage(answer["usage"]).canonical,
        ])
    }
}

/// Canonical response → a complete answer of Cohere's. It has one choice; of several the first counts.
enum ResponseWriter {
    static func write(_ response: JSON, requestID: String) -> JSON {
        let choice = response["choices"]?.list?.first
        var content: [JSON] = []
        var calls: [JSON] = []
        for part in choice?["parts"]?.list ?? [] {
            let text = part["text"] ?? .string("")
            switch part["k"]?.text {
            case "text", "refusal": content.append(.members(["type": .string("text"), "text": text]))
            case "reasoning": content.append(.members(["type": .string("thinking"), "thinking": text]))
            case "tool_call":
                calls.append(
                    .members([
                        "id": part["call_id"], "type": .string("function"),
                        "function": .members(["name": part["name"], "arguments": part["args_raw"] ?? .string("{}")]),
                    ]))
            default: break
            }
        }
        let id = response["id"]?.text ?? ""
        return .members([
            "id": .string(id.isEmpty ? requestID : id),
            "finish_reason": .string(Finish.word(canonical: choice?["finish"]?["reason"]?.text ?? "stop")),
            "message": .members([
                "role": .string("assistant"), "content": content.isEmpty ? nil : .array(content),
                "tool_calls": calls.isEmpty ? nil : .array(calls),
            ]),
            "usage": Usage(canonical: response["usage"]).wire,
        ])
    }
}
