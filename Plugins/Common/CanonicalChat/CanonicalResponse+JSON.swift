import PatchbayPlugin
package import PatchbayWire

extension CanonicalResponse {
    /// Writes the canonical document.
    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("canon", 1)
        writer.member("id", id)
        writer.member("created", ifPresent: created)
        writer.member("model", model)
        writer.key("choices")
        writer.beginArray()
        for choice in choices { choice.write(into: &writer) }
        writer.endArray()
        if !usage.isEmpty {
            writer.key("usage")
            usage.write(into: &writer)
        }
        writer.member("service_tier", ifPresent: serviceTier)
        writer.member("native", ifPresent: native)
        writer.endObject()
    }

    /// Reads a canonical document; members it does not know are skipped.
    package init<Document: JSONReadable>(canonical document: Document) throws(ConversionError) {
        self.init()
        guard document["canon"]?.intValue == 1, let list = document["choices"]?.arrayValue else {
            throw .invalid("canonical response: `canon` must be 1 and `choices` an array")
        }
        id = document["id"]?.stringValue ?? ""
        model = document["model"]?.stringValue ?? ""
        created = document["created"]?.intValue
        for item in list { choices.append(try CanonicalChoice(canonical: item)) }
        usage = TokenCounts(canonical: document["usage"])
        serviceTier = document["service_tier"]?.stringValue
        native = CanonicalNative(canonical: document["native"])
    }
}

extension CanonicalChoice {
    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("index", index)
        writer.key("parts")
        CanonicalPart.write(parts, into: &writer)
        if let finish {
            writer.key("finish")
            writer.beginObject()
            writer.member("reason", finish.reason.word)
            writer.member("native", ifPresent: finish.native)
            writer.member("stop_sequence", ifPresent: finish.stopSequence)
            writer.endObject()
        }
        writer.member("logprobs", ifPresent: logprobs)
        writer.member("native", ifPresent: native)
        writer.endObject()
    }

    init<Value: JSONReadable>(canonical value: Value) throws(ConversionError) {
        self.init(index: value["index"]?.intValue ?? 0, parts: try CanonicalPart.list(canonical: value["parts"]))
        if let finish = value["finish"], let word = finish["reason"]?.stringValue {
            self.finish = CanonicalFinish(
                FinishReason(word: word), native: finish["native"]?.stringValue,
                stopSequence: finish["stop_sequence"]?.stringValue)
        }
        logprobs = value["logprobs"]?.tree
        native = CanonicalNative(canonical: value["native"])
    }
}

extension TokenCounts {
    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("input_total", ifPresent: input)
        writer.member("output_total", ifPresent: output)
        writer.member("cache_read", ifPresent: cached)
        writer.member("cache_write", ifPresent: cacheWrite)
        writer.member("reasoning", ifPresent: reasoning)
        writer.endObject()
    }

    init<Value: JSONReadable>(canonical value: Value?) {
        self.init(
            input: value?["input_total"]?.intValue, output: value?["output_total"]?.intValue,
            cached: value?["cache_read"]?.intValue, cacheWrite: value?["cache_write"]?.intValue,
            reasoning: value?["reasoning"]?.intValue)
    }
}
