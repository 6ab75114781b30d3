/// Answers in the shape of the chat completions API, with the additions that New API makes.
enum OpenAIRendering {
    static func model(_ model: SimulatedModel, listsEndpoints: Bool) -> Document {
        var document: Document = [
            "id": .string(model.name), "object": "model", "created": 1_626_777_600, "owned_by": .string(model.owner),
        ]
        if listsEndpoints { document.set("supported_endpoint_types", ["openai", "anthropic"]) }
        return document
    }

    static func completion(_ answer: RelayAnswer, prompt: RelayPrompt, stamp: RelayStamp) -> Document {
        var message: Document = ["role": "assistant"]
        message.set("content", answer.calls.isEmpty ? .string(answer.text.joined()) : nil)
        if !answer.reasoning.isEmpty { message.set("reasoning_content", .string(answer.reasoning.joined())) }
        if !answer.calls.isEmpty {
            message.set(
                "tool_calls",
                .array(answer.calls.enumerated().map { toolCall($0.element, id: callID(stamp, $0.offset)) }))
        }
        return [
            "id": .string("chatcmpl-\(stamp.id)"), "object": "chat.completion", "created": .integer(stamp.created),
            "model": .string(stamp.model),
            "choices": [
                ["index": 0, "message": message, "logprobs": nil, "finish_reason": .string(reason(answer.finish))]
            ],
            "usage": usage(answer, prompt: prompt),
        ]
    }

    static func stream(
        _ answer: RelayAnswer, prompt: RelayPrompt, stamp: RelayStamp, charge: RelayCharge
    ) -> RelayStream {
        var stream = RelayStream(charge: charge)
        var tokens = 0
        stream.add(data: chunk(["role": "assistant", "content": ""], stamp: stamp), tokens: 0)
        for piece in answer.reasoning {
            tokens += 1
            stream.add(data: chunk(["reasoning_content": .string(piece)], stamp: stamp), tokens: tokens)
        }
        for piece in answer.text {
            tokens += 1
            stream.add(data: chunk(["content": .string(piece)], stamp: stamp), tokens: tokens)
        }
        for (index, call) in answer.calls.enumerated() {
            tokens += 4
            var head = toolCall(.init(name: call.name, arguments: ""), id: callID(stamp, index))
            head.set("index", .integer(index))
            stream.add(data: chunk(["tool_calls": [head]], stamp: stamp), tokens: tokens)
            for piece in TokenCounter.pieces(of: call.arguments) {
                tokens += 1
                let part: Document = ["index": .integer(index), "function": ["arguments": .string(piece)]]
                stream.add(data: chunk(["tool_calls": [part]], stamp: stamp), tokens: tokens)
            }
        }
        let total = answer.completionTokens
        stream.add(data: chunk([:], stamp: stamp, finish: reason(answer.finish)), tokens: total)
        if prompt.includesUsage {
            var last = chunk([:], stamp: stamp)
            last.set("choices", [])
            last.set("usage", usage(answer, prompt: prompt))
            stream.add(data: last, tokens: total)
        }
        stream.steps.append(.init(bytes: Array("data: [DONE]\n\n".utf8), tokens: total))
        return stream
    }

    private static func chunk(_ delta: Document, stamp: RelayStamp, finish: String? = nil) -> Document {
        [
            "id": .string("chatcmpl-\(stamp.id)"), "object": "chat.completion.chunk",
            "created": .integer(stamp.created), "model": .string(stamp.model), "system_fingerprint": nil,
            "choices": [
                [
                    "index": 0, "delta": delta, "logprobs": nil,
                    "finish_reason": finish.map { .string($0) } ?? nil,
                ]
            ],
        ]
    }

    private static func toolCall(_ call: RelayAnswer.ToolCall, id: String) -> Document {
        [
            "id": .string(id), "type": "function",
            "function": ["name": .string(call.name), "arguments": .string(call.arguments)],
        ]
    }

    private static func callID(_ stamp: RelayStamp, _ index: Int) -> String { "call_\(stamp.id)\(index)" }

    private static func reason(_ finish: RelayAnswer.Finish) -> String {
        switch finish {
        case .done, .stopSequence: "stop"
        case .length: "length"
        case .toolCalls: "tool_calls"
        }
    }

    /// The platform adds the members of the Responses API, with zeros.
    private static func usage(_ answer: RelayAnswer, prompt: RelayPrompt) -> Document {
        [
            "prompt_tokens": .integer(prompt.promptTokens), "completion_tokens": .integer(answer.completionTokens),
            "total_tokens": .integer(prompt.promptTokens + answer.completionTokens),
            "prompt_tokens_details": [
                "cached_tokens": 0, "text_tokens": 0, "audio_tokens": 0, "image_tokens": 0,
            ],
            "completion_tokens_details": [
                "text_tokens": 0, "audio_tokens": 0, "reasoning_tokens": .integer(answer.reasoning.count),
            ],
            "input_tokens": 0, "output_tokens": 0, "input_tokens_details": nil,
        ]
    }
}
