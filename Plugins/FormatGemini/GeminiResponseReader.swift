import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a Gemini answer into a canonical response.
enum GeminiResponseReader {
    /// - Throws: if the document is no answer of this format, or an error in the shape of one.
    static func read(_ document: JSONValue, context: ConversionContext) throws(ConversionError) -> CanonicalResponse {
        if document["error"]?.nonNull != nil || document.arrayValue?.first?["error"] != nil {
            throw .invalid("the answer is an error: \(ErrorBody(document).message)")
        }
        let candidates = document["candidates"]?.arrayValue ?? []
        let blocked = document["promptFeedback"]?["blockReason"]?.stringValue
        guard !candidates.isEmpty || blocked != nil || document["usageMetadata"]?.nonNull != nil else {
            throw .invalid("`candidates` must be an array in an answer of gemini.generate")
        }
        var response = CanonicalResponse()
        response.id = document["responseId"]?.stringValue ?? ""
        response.model = document["modelVersion"]?.stringValue ?? ""
        let names = GeminiFormat.toolNames(context.profile, context.request.toolNames)
        for (position, item) in candidates.enumerated() {
            response.choices.append(try choice(item, position, names, context))
        }
        if candidates.isEmpty {
            let finish = CanonicalFinish(blocked == nil ? .other : .contentFilter, native: blocked)
            response.choices = [CanonicalChoice(index: 0, finish: finish)]
        }
        if let usage = document["usageMetadata"] { response.usage = TokenCounts(gemini: usage) }
        response.native = rest(document, but: ["candidates", "responseId", "modelVersion"])
        return response
    }

    private static func choice(
        _ value: JSONValue, _ position: Int, _ names: IdentifierMap, _ context: ConversionContext
    ) throws(ConversionError) -> CanonicalChoice {
        var choice = CanonicalChoice(index: value["index"]?.protobufInt ?? position)
        let items = GeminiContentsReader.items(value["content"]?["parts"]) ?? []
        for (index, item) in items.enumerated() {
            choice.parts += try GeminiPartReader.parts(item, path: "candidates.\(position).content.parts.\(index)")
        }
        var calls = 0
        for index in choice.parts.indices {
            guard case .toolCall(var call) = choice.parts[index].content else { continue }
            if call.id.isEmpty {
                call.id = GeminiFormat.mintedID(context, choice: choice.index, call: calls)
                var native = choice.parts[index].native ?? CanonicalNative(format: GeminiFormat.id)
                native.members.append("$minted", true)
                choice.parts[index].native = native
            }
            call.name = names.original(call.name)
            choice.parts[index].content = .toolCall(call)
            calls += 1
        }
        annotate(&choice, value)
        let finish = value["finishReason"]?.stringValue.flatMap(GeminiFormat.finish) ?? CanonicalFinish(.stop)
        choice.finish = GeminiFormat.corrected(finish, hasToolCall: choice.hasToolCall)
        choice.logprobs = GeminiLogprobs.read(value["logprobsResult"])
        choice.native = rest(value, but: ["index", "content", "finishReason"])
        return choice
    }

    private static func annotate(_ choice: inout CanonicalChoice, _ value: JSONValue) {
        var places: [Int] = []
        var texts: [[UInt8]] = []
        for index in choice.parts.indices {
            guard case .text(let text) = choice.parts[index].content else { continue }
            places.append(index)
            texts.append(Array(text.utf8))
        }
        for note in GeminiGrounding.notes(value, texts: texts) where places.indices.contains(note.text) {
            choice.parts[places[note.text]].annotations.append(note.annotation)
        }
    }

    private static func rest(_ value: JSONValue, but consumed: [String]) -> CanonicalNative? {
        var members = JSONObject()
        for member in value.objectValue ?? JSONObject() where !consumed.contains(member.key) {
            members.append(member.key, member.value)
        }
        return members.isEmpty ? nil : CanonicalNative(format: GeminiFormat.id, members: members)
    }
}

/// Probabilities of tokens, in the shape that Chat Completions gives them.
enum GeminiLogprobs {
    static func read(_ result: JSONValue?) -> JSONValue? {
        guard let chosen = result?["chosenCandidates"]?.arrayValue else { return nil }
        let tops = result?["topCandidates"]?.arrayValue ?? []
        let content = chosen.enumerated().map { index, token in
            var members = entry(token)
            let others = tops.indices.contains(index) ? tops[index]["candidates"]?.arrayValue ?? [] : []
            members.append("top_logprobs", .array(others.map { .object(entry($0)) }))
            return JSONValue.object(members)
        }
        return ["content": .array(content), "refusal": .null]
    }

    private static func entry(_ token: JSONValue) -> JSONObject {
        let text = token["token"]?.stringValue ?? ""
        return [
            "token": .string(text), "logprob": token["logProbability"] ?? 0,
            "bytes": .array(text.utf8.map { .int(Int($0)) }),
        ]
    }

    static func write(_ logprobs: JSONValue) -> JSONValue? {
        guard let content = logprobs["content"]?.arrayValue else { return nil }
        let tops = content.map { entry -> JSONValue in
            ["candidates": .array((entry["top_logprobs"]?.arrayValue ?? []).map(candidate))]
        }
        return ["chosenCandidates": .array(content.map(candidate)), "topCandidates": .array(tops)]
    }

    private static func candidate(_ entry: JSONValue) -> JSONValue {
        ["token": entry["token"] ?? "", "logProbability": entry["logprob"] ?? 0]
    }
}
