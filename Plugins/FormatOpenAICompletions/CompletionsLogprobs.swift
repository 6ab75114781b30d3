import PatchbayWire

/// Probabilities of tokens: four parallel lists in this format, a list of objects in the canonical form (that of Chat).
enum CompletionsLogprobs {
    /// Nil if there are none.
    static func read(_ value: JSONValue?) -> JSONValue? {
        guard let tokens = value?["tokens"]?.arrayValue else { return nil }
        let numbers = value?["token_logprobs"]?.arrayValue ?? []
        let alternatives = value?["top_logprobs"]?.arrayValue ?? []
        let content = tokens.enumerated().map { index, token -> JSONValue in
            let top = alternatives.indices.contains(index) ? alternatives[index].objectValue : nil
            return [
                "token": token, "logprob": numbers.indices.contains(index) ? numbers[index] : .null, "bytes": .null,
                "top_logprobs": .array(
                    (top ?? JSONObject()).map { ["token": .string($0.key), "logprob": $0.value, "bytes": .null] }),
            ]
        }
        return ["content": .array(content)]
    }

    /// `null` if there are none.
    static func write(_ value: JSONValue?, into writer: inout JSONWriter) {
        writer.key("logprobs")
        guard let content = value?["content"]?.arrayValue, !content.isEmpty else { return writer.null() }
        var offsets: [JSONValue] = []
        var offset = 0
        for entry in content {
            offsets.append(.int(offset))
            offset += entry["token"]?.stringValue?.unicodeScalars.count ?? 0
        }
        writer.beginObject()
        writer.member("tokens", .array(content.map { $0["token"] ?? "" }))
        writer.member("token_logprobs", .array(content.map { $0["logprob"] ?? .null }))
        writer.member("top_logprobs", .array(content.map(alternatives)))
        writer.member("text_offset", .array(offsets))
        writer.endObject()
    }

    private static func alternatives(_ entry: JSONValue) -> JSONValue {
        var members = JSONObject()
        for other in entry["top_logprobs"]?.arrayValue ?? [] {
            if let token = other["token"]?.stringValue { members.append(token, other["logprob"] ?? .null) }
        }
        return .object(members)
    }
}
