internal import PatchbayCore
internal import PatchbayWire

/// One thing that a request or an answer can say, as a small canonical document that says it and little else.
struct ConversionProbe: Sendable {
    /// The canonical member, or words for what has none of its own.
    let feature: String
    let document: JSONValue

    /// A request with these members laid over the plainest one.
    static func request(_ feature: String, _ members: JSONValue) -> ConversionProbe {
        var document: JSONValue = [
            "canon": 1, "operation": "generate", "origin": ["format": "probe"], "model": ["requested": "m"],
            "stream": ["on": false], "limits": ["max_output": 4000, "max_output_source": "max_tokens"], "system": [],
            "turns": [["role": "user", "parts": [["k": "text", "text": "hello"]]]],
        ]
        for member in members.objectValue ?? JSONObject() { document[member.key] = member.value }
        return ConversionProbe(feature: feature, document: document)
    }

    /// The same request as if a client of this format had made it.
    func of(_ format: WireFormat) -> ConversionProbe {
        var document = document
        document["origin"] = ["format": .string(format.rawValue)]
        return ConversionProbe(feature: feature, document: document)
    }

    /// An answer with these parts.
    static func answer(_ feature: String, parts: [JSONValue], finish: JSONValue = ["reason": "stop"])
        -> ConversionProbe
    {
        answer(feature, choices: [["index": 0, "parts": .array(parts), "finish": finish]])
    }

    static func answer(_ feature: String, choices: [JSONValue]) -> ConversionProbe {
        ConversionProbe(
            feature: feature,
            document: [
                "canon": 1, "id": "a1", "model": "m", "choices": .array(choices),
                "usage": ["input_total": 5, "output_total": 3],
            ])
    }
}

extension ConversionProbe {
    private static func turns(_ parts: JSONValue..., role: String = "user") -> JSONValue {
        ["turns": [["role": .string(role), "parts": .array(parts)]]]
    }

    private static let pixel: JSONValue = .string(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
    private static let schema: JSONValue = ["type": "object", "properties": ["city": ["type": "string"]]]
    private static let tool: JSONValue = ["kind": "function", "name": "weather", "schema": schema]
    private static let call: JSONValue = ["k": "tool_call", "call_id": "c1", "name": "weather", "args_raw": "{}"]

    private static func conversation(_ reasoning: JSONValue? = nil, result: JSONValue) -> JSONValue {
        [
            "turns": [
                ["role": "user", "parts": [["k": "text", "text": "hello"]]],
                ["role": "assistant", "parts": .array((reasoning.map { [$0] } ?? []) + [call])],
                ["role": "tool", "parts": [result]],
            ], "tools": [tool],
        ]
    }

    private static func sampling(_ name: String, _ value: JSONValue) -> ConversionProbe {
        request("sampling.\(name)", ["sampling": .object([name: value])])
    }

    /// What every request says.
    static let plainText = request("text", [:])

    /// Everything that a request can say, beyond a text too.
    static let requests: [ConversionProbe] =
        [
            plainText,
            sampling("temperature", 0.5), sampling("top_p", 0.9), sampling("top_k", 40), sampling("min_p", 0.1),
            sampling("seed", 7), sampling("presence_penalty", 0.5), sampling("frequency_penalty", 0.5),
            sampling("logit_bias", ["50256": -100]), sampling("n", 2), sampling("stop", ["END"]),
            request("sampling.logprobs", ["sampling": ["logprobs": true, "top_logprobs": 2]]),
            request("end_user", ["end_user": "someone"]), request("metadata", ["metadata": ["team": "blue"]]),
            request("service_tier", ["service_tier": "auto"]),
            request("system", ["system": [["role": "system", "parts": [["k": "text", "text": "be brief"]]]]]),
            request(
                "system in the middle",
                [
                    "turns": [
                        ["role": "user", "parts": [["k": "text", "text": "a"]]],
                        ["role": "system", "parts": [["k": "text", "text": "b"]]],
                        ["role": "user", "parts": [["k": "text", "text": "c"]]],
                    ]
                ]),
            request(
                "cache marks",
                turns([
                    "k": "text", "text": "long", "cache": ["origin": "anthropic", "value": ["type": "ephemeral"]],
                ])),
        ] + parts + tools + reasoning

    private static let parts: [ConversionProbe] = [
        request("image (data)", turns(["k": "image", "src": ["kind": "base64", "mime": "image/png", "data": pixel]])),
        request("image (URL)", turns(["k": "image", "src": ["kind": "url", "url": "https://example.com/a.png"]])),
        request("image (file id)", turns(["k": "image", "src": ["kind": "file_id", "id": "file-1"]])),
        request(
            "image detail",
            turns([
                "k": "image", "src": ["kind": "base64", "mime": "image/png", "data": pixel], "detail": "high",
            ])),
        request(
            "audio", turns(["k": "audio", "src": ["kind": "base64", "mime": "audio/wav", "data": "UklGRg=="]])),
        request("video", turns(["k": "video", "src": ["kind": "base64", "mime": "video/mp4", "data": "AAAA"]])),
        request(
            "file (PDF)",
            turns([
                "k": "file", "src": ["kind": "base64", "mime": "application/pdf", "data": "JVBERi0="],
                "filename": "a.pdf",
            ])),
        request("file (text)", turns(["k": "file", "src": ["kind": "text", "text": "words"], "filename": "a.txt"])),
        request("file (URL)", turns(["k": "file", "src": ["kind": "url", "url": "https://example.com/a.pdf"]])),
    ]

    private static let tools: [ConversionProbe] = [
        request("tools", ["tools": [tool]]),
        request(
            "tools[].strict", ["tools": [["kind": "function", "name": "weather", "schema": schema, "strict": true]]]),
        request("tools[].custom", ["tools": [["kind": "custom", "name": "shell", "description": "runs"]]]),
        request(
            "tools[].server",
            [
                "tools": [
                    [
                        "kind": "server", "name": "web_search",
                        "config": ["type": "web_search_20250305", "name": "web_search"],
                    ]
                ]
            ]),
        request("tool_choice required", ["tools": [tool], "tool_choice": ["mode": "required"]]),
        request("tool_choice named", ["tools": [tool], "tool_choice": ["mode": "named", "names": ["weather"]]]),
        request("tool_choice allowed", ["tools": [tool], "tool_choice": ["mode": "allowed", "names": ["weather"]]]),
        request("parallel_tools", ["tools": [tool], "parallel_tools": false]),
        request(
            "tool result",
            conversation(result: ["k": "tool_result", "call_id": "c1", "content": [["k": "text", "text": "sunny"]]])),
        request(
            "tool result, error",
            conversation(result: [
                "k": "tool_result", "call_id": "c1", "is_error": true, "content": [["k": "text", "text": "no"]],
            ])),
        request(
            "tool result, image",
            conversation(result: [
                "k": "tool_result", "call_id": "c1",
                "content": [["k": "image", "src": ["kind": "base64", "mime": "image/png", "data": pixel]]],
            ])),
    ]

    private static let reasoning: [ConversionProbe] = [
        request("reasoning.effort", ["reasoning": ["effort": "high"]]),
        request("reasoning.budget", ["reasoning": ["mode": "on", "budget": 2048]]),
        request(
            "reasoning of the history",
            conversation(
                ["k": "reasoning", "text": "think"],
                result: ["k": "tool_result", "call_id": "c1", "content": [["k": "text", "text": "sunny"]]])),
        request(
            "signed reasoning of the history",
            conversation(
                [
                    "k": "reasoning", "text": "think",
                    "opaque": [["kind": "signature", "provider": "anthropic", "data": "c2ln"]],
                ],
                result: ["k": "tool_result", "call_id": "c1", "content": [["k": "text", "text": "sunny"]]])),
        request("output.format json", ["output": ["format": ["kind": "json"]]]),
        request(
            "output.format json_schema",
            ["output": ["format": ["kind": "json_schema", "name": "answer", "schema": schema, "strict": true]]]),
        request("output.verbosity", ["output": ["verbosity": "low"]]),
        request("output.modalities audio", ["output": ["modalities": ["text", "audio"]]]),
    ]

    /// Everything that an answer can say.
    static let answers: [ConversionProbe] = [
        answer("text", parts: [["k": "text", "text": "hello"]]),
        answer("reasoning", parts: [["k": "reasoning", "text": "think"], ["k": "text", "text": "hello"]]),
        answer(
            "signed reasoning",
            parts: [
                [
                    "k": "reasoning", "text": "think",
                    "opaque": [["kind": "signature", "provider": "anthropic", "data": "c2ln"]],
                ], ["k": "text", "text": "hello"],
            ]),
        answer(
            "redacted reasoning",
            parts: [
                [
                    "k": "reasoning_redacted",
                    "opaque": [["kind": "redacted", "provider": "anthropic", "data": "cmVk"]],
                ], ["k": "text", "text": "hello"],
            ]),
        answer("tool call", parts: [call], finish: ["reason": "tool_calls"]),
        answer(
            "custom tool call",
            parts: [["k": "tool_call", "call_id": "c1", "name": "shell", "kind": "custom", "args_raw": "ls"]],
            finish: ["reason": "tool_calls"]),
        answer(
            "text after a tool call", parts: [call, ["k": "text", "text": "done"]], finish: ["reason": "tool_calls"]),
        answer("refusal", parts: [["k": "refusal", "text": "no"]], finish: ["reason": "refusal"]),
        answer(
            "image", parts: [["k": "image", "src": ["kind": "base64", "mime": "image/png", "data": pixel]]]),
        answer(
            "annotations",
            parts: [
                [
                    "k": "text", "text": "hello",
                    "ann": [["kind": "url", "url": "https://example.com", "title": "t", "start": 0, "end": 5]],
                ]
            ]),
        answer(
            "several answers",
            choices: (0..<2).map { index in
                ["index": .int(index), "parts": [["k": "text", "text": "hello"]], "finish": ["reason": "stop"]]
            }),
        answer(
            "logprobs",
            choices: [
                [
                    "index": 0, "parts": [["k": "text", "text": "hello"]], "finish": ["reason": "stop"],
                    "logprobs": [
                        "content": [["token": "hello", "logprob": -0.5, "bytes": .null, "top_logprobs": []]]
                    ],
                ]
            ]),
    ]

    /// Every reason to end.
    static let endings: [ConversionProbe] = [
        "stop", "stop_sequence", "length", "context_window", "content_filter", "pause", "malformed_tool_call", "other",
    ].map { reason in
        answer("finish \(reason)", parts: [["k": "text", "text": "hello"]], finish: ["reason": .string(reason)])
    }
}
