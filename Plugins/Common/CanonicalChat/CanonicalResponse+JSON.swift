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
    package init(canonical document: JSONNode) throws(ConversionError) {
        self.init()
        guard document["canon"]?.intValue == 1, let list = document["choices"], list.isArray else {
            throw .invalid("canonical response: `canon` must be 1 and `choices` an array")
        }
        for item in list.elements { choices.append(try CanonicalChoice(canonical: item)) }
        for (name, value) in document.members {
            if name.equals("id") {
                id = value.stringValue ?? ""
            } else if name.equals("model") {
                model = value.stringValue ?? ""
            } else if name.equals("created") {
                created = value.intValue
            } else if name.equals("usage") {
                usage = TokenCounts(canonical: value)
            } else if name.equals("native") {
                native = CanonicalNative(canonical: value)
            } else if name.equals("service_tier") {
                serviceTier = value.stringValue
            }
        }
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

    init(canonical value: JSONNode) throws(ConversionError) {
        self.init(index: value["index"]?.intValue ?? 0)
        for (name, member) in value.members {
            if name.equals("parts") {
                parts = try CanonicalPart.list(canonical: member)
            } else if name.equals("finish") {
                finish = CanonicalFinish(canonical: member)
            } else if name.equals("logprobs") {
                logprobs = member.tree
            } else if name.equals("native") {
                native = CanonicalNative(canonical: member)
            }
        }
    }
}

extension CanonicalFinish {
    init?(canonical value: JSONNode) {
        guard let word = value["reason"]?.stringValue else { return nil }
        self.init(
            FinishReason(word: word), native: value["native"]?.stringValue,
            stopSequence: value["stop_sequence"]?.stringValue)
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

    init(canonical value: JSONNode) {
        self.init()
        for (name, counter) in value.members {
            if name.equals("input_total") {
                input = counter.intValue
            } else if name.equals("output_total") {
                output = counter.intValue
            } else if name.equals("cache_read") {
                cached = counter.intValue
            } else if name.equals("cache_write") {
                cacheWrite = counter.intValue
            } else if name.equals("reasoning") {
                reasoning = counter.intValue
            }
        }
    }
}
