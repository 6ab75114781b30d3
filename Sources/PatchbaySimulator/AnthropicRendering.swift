/// Answers in the shape of the Messages API.
enum AnthropicRendering {
    static func model(_ model: SimulatedModel) -> Document {
        [
            "id": .string(model.name), "created_at": "2021-07-20T10:40:00Z", "display_name": .string(model.name),
            "type": "model",
        ]
    }

    static func message(_ answer: RelayAnswer, prompt: RelayPrompt, stamp: RelayStamp) -> Document {
        var document = head(prompt: prompt, stamp: stamp)
        document.set("content", .array(blocks(answer, stamp: stamp)))
        document.set("stop_reason", .string(reason(answer.finish)))
        document.set("stop_sequence", sequence(answer.finish))
        document.set("usage", usage(prompt, output: answer.completionTokens))
        return document
    }

    private static func head(prompt: RelayPrompt, stamp: RelayStamp) -> Document {
        [
            "id": .string("msg_\(stamp.id)"), "type": "message", "role": "assistant", "model": .string(stamp.model),
            "content": [], "stop_reason": nil, "stop_sequence": nil, "usage": usage(prompt, output: 0),
        ]
    }

    private static func blocks(_ answer: RelayAnswer, stamp: RelayStamp) -> [Document] {
        var blocks: [Document] = []
        if !answer.reasoning.isEmpty {
            blocks.append([
                "type": "thinking", "thinking": .string(answer.reasoning.joined()),
                "signature": .string(signature(stamp)),
            ])
        }
        if answer.calls.isEmpty { blocks.append(["type": "text", "text": .string(answer.text.joined())]) }
        for (index, call) in answer.calls.enumerated() {
            blocks.append([
                "type": "tool_use", "id": .string("toolu_\(stamp.id)\(index)"), "name": .string(call.name),
                "input": DocumentParser.parse(Array(call.arguments.utf8)) ?? [:],
            ])
        }
        return blocks
    }

    static func stream(
        _ answer: RelayAnswer, prompt: RelayPrompt, stamp: RelayStamp, charge: RelayCharge
    ) -> RelayStream {
        var stream = RelayStream(charge: charge)
        stream.add(event: ["type": "message_start", "message": head(prompt: prompt, stamp: stamp)], tokens: 0)
        stream.add(event: ["type": "ping"], tokens: 0)
        var tokens = 0
        var index = 0
        func block(_ start: Document, _ deltas: [Document], counted: Bool = true) {
            stream.add(
                event: ["type": "content_block_start", "index": .integer(index), "content_block": start],
                tokens: tokens)
            for delta in deltas {
                if counted, delta["type"]?.text != "signature_delta" { tokens += 1 }
                stream.add(
                    event: ["type": "content_block_delta", "index": .integer(index), "delta": delta], tokens: tokens)
            }
            stream.add(event: ["type": "content_block_stop", "index": .integer(index)], tokens: tokens)
            index += 1
        }
        if !answer.reasoning.isEmpty {
            var deltas = answer.reasoning.map { ["type": "thinking_delta", "thinking": .string($0)] as Document }
            deltas.append(["type": "signature_delta", "signature": .string(signature(stamp))])
            block(["type": "thinking", "thinking": "", "signature": ""], deltas)
        }
        if answer.calls.isEmpty {
            block(
                ["type": "text", "text": ""],
                answer.text.map { ["type": "text_delta", "text": .string($0)] })
        }
        for (number, call) in answer.calls.enumerated() {
            tokens += 4
            block(
                [
                    "type": "tool_use", "id": .string("toolu_\(stamp.id)\(number)"), "name": .string(call.name),
                    "input": [:],
                ],
                TokenCounter.pieces(of: call.arguments).map {
                    ["type": "input_json_delta", "partial_json": .string($0)]
                })
        }
        let total = answer.completionTokens
        stream.add(
            event: [
                "type": "message_delta",
                "delta": [
                    "stop_reason": .string(reason(answer.finish)), "stop_sequence": sequence(answer.finish),
                ],
                "usage": usage(prompt, output: total),
            ], tokens: total)
        stream.add(event: ["type": "message_stop"], tokens: total)
        return stream
    }

    private static func signature(_ stamp: RelayStamp) -> String { Base64URL.encode("simulated:\(stamp.id)") }

    private static func usage(_ prompt: RelayPrompt, output: Int) -> Document {
        [
            "input_tokens": .integer(prompt.promptTokens), "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0, "output_tokens": .integer(output),
        ]
    }

    private static func reason(_ finish: RelayAnswer.Finish) -> String {
        switch finish {
        case .done: "end_turn"
        case .stopSequence: "stop_sequence"
        case .length: "max_tokens"
        case .toolCalls: "tool_use"
        }
    }

    private static func sequence(_ finish: RelayAnswer.Finish) -> Document {
        if case .stopSequence(let text) = finish { .string(text) } else { nil }
    }
}
