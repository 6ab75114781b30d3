internal import CPatchbay
internal import PatchbayWire

extension StreamEncoder {
    /// Writes a canonical response document (`sdk/canonical.md`) as a whole stream of this encoder's format: every
    /// event of its life cycle, each part in one delta, usage, the finishes and the format's terminator.
    ///
    /// - Parameter output: the bytes are appended to it.
    /// - Throws: ``PluginError`` `invalid` if the document is no canonical response.
    package func unfold(_ canonical: UnsafeRawBufferPointer, output: inout [UInt8]) throws(PluginError) {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: canonical)
        } catch {
            throw PluginError(.invalid, "The canonical answer is no JSON: \(error.message).")
        }
        guard let choices = document["choices"]?.arrayValue else {
            throw PluginError(.invalid, "The canonical answer has no list of choices.")
        }
        var feed = EventFeed(self, output: FormatCodec.take(&output))
        feed.start(document)
        for choice in choices { feed.parts(of: choice) }
        feed.usage(document["usage"])
        for choice in choices { feed.finish(choice) }
        feed.send { $0.type = UInt16(PB_EVENT_END); $0.flags = PB_EVENT_CLEAN }
        output = FormatCodec.take(&feed.target.bytes)
        guard feed.status >= 0 else {
            throw PluginError(status: feed.status, sink: ByteSink(), doing: "write the stream", plugin: pluginID)
        }
    }
}

/// Hands events, made one by one, to an encoder.
private struct EventFeed {
    let encoder: StreamEncoder
    var target: ByteSink
    private(set) var status: pb_status = Status.ok

    init(_ encoder: StreamEncoder, output: consuming [UInt8]) {
        self.encoder = encoder
        target = ByteSink(reusing: output, limit: FormatCodec.documentLimit)
    }

    mutating func send(
        text: String = "", id: String = "", name: String = "", extra: String = "",
        _ fill: (inout pb_event) -> Void
    ) {
        guard status >= 0 else { return }
        var (text, id, name, extra) = (text, id, name, extra)
        text.withUTF8 { text in
            id.withUTF8 { id in
                name.withUTF8 { name in
                    extra.withUTF8 { extra in
                        var event = pb_event()
                        event.size = UInt32(MemoryLayout<pb_event>.size)
                        event.text = Self.view(text)
                        event.id = Self.view(id)
                        event.name = Self.view(name)
                        event.extra_json = Self.view(extra)
                        fill(&event)
                        status = target.withSink { encoder.take(&event, 1, $0) }
                    }
                }
            }
        }
    }

    private static func view(_ bytes: UnsafeBufferPointer<UInt8>) -> pb_str {
        bytes.isEmpty ? .absent : pb_str(UnsafeRawBufferPointer(bytes))
    }

    // MARK: - Answer

    mutating func start(_ document: JSONValue) {
        send(id: document["id"]?.stringValue ?? "", name: document["model"]?.stringValue ?? "") { event in
            event.type = UInt16(PB_EVENT_START)
            Self.fill(&event, nil)
        }
        for member in ["created", "service_tier", "native"] {
            if let value = document[member]?.nonNull { canonical(member, value) }
        }
    }

    /// A member of the document that no event is made for.
    private mutating func canonical(_ member: String, _ value: JSONValue, choice: UInt32 = 0) {
        send(id: member, name: "canon", extra: value.description) { event in
            event.type = UInt16(PB_EVENT_NATIVE)
            event.choice = choice
        }
    }

    mutating func usage(_ counters: JSONValue?) {
        guard let counters = counters?.nonNull else { return }
        send { event in
            event.type = UInt16(PB_EVENT_USAGE)
            Self.fill(&event, counters)
        }
    }

    private static func fill(_ event: inout pb_event, _ counters: JSONValue?) {
        func counter(_ name: String) -> UInt64 {
            counters?[name]?.intValue.flatMap { $0 < 0 ? nil : UInt64($0) } ?? .max
        }
        event.input_tokens = counter("input_total")
        event.output_tokens = counter("output_total")
        event.cached_tokens = counter("cache_read")
        event.cache_write_tokens = counter("cache_write")
        event.reasoning_tokens = counter("reasoning")
    }

    mutating func finish(_ choice: JSONValue) {
        let finish = choice["finish"]
        let reason = FinishReason(word: finish?["reason"]?.stringValue ?? "stop")
        let index = Self.index(of: choice)
        send(text: finish?["stop_sequence"]?.stringValue ?? "", name: finish?["native"]?.stringValue ?? "") { event in
            event.type = UInt16(PB_EVENT_FINISH)
            event.choice = index
            event.reason = reason.rawValue
        }
    }

    private static func index(of choice: JSONValue) -> UInt32 {
        UInt32(clamping: choice["index"]?.intValue ?? 0)
    }

    // MARK: - Parts

    mutating func parts(of choice: JSONValue) {
        let index = Self.index(of: choice)
        for (ordinal, part) in (choice["parts"]?.arrayValue ?? []).enumerated() {
            let place = Place(choice: index, part: UInt32(clamping: ordinal))
            open(part, place)
            opaque(part, place)
            for note in part["ann"]?.arrayValue ?? [] {
                send(extra: note.description) { place.fill(&$0, PB_EVENT_PART_NOTE) }
            }
            send { place.fill(&$0, PB_EVENT_PART_CLOSE) }
        }
        if let logprobs = choice["logprobs"]?.nonNull { canonical("logprobs", logprobs, choice: index) }
    }

    private mutating func open(_ part: JSONValue, _ place: Place) {
        let text = part["text"]?.stringValue ?? ""
        switch part["k"]?.stringValue {
        case "text":
            begin(place, PB_PART_TEXT)
            delta(place, PB_FIELD_TEXT, text)
        case "refusal":
            begin(place, PB_PART_REFUSAL)
            delta(place, PB_FIELD_TEXT, text)
        case "reasoning":
            begin(place, PB_PART_REASONING)
            delta(place, PB_FIELD_TEXT, text)
        case "reasoning_redacted": begin(place, PB_PART_REASONING_REDACTED)
        case "tool_call": call(part, place)
        case "image" where Self.isInline(part): media(part, place, PB_PART_IMAGE)
        case "audio" where Self.isInline(part): media(part, place, PB_PART_AUDIO)
        default: begin(place, PB_PART_OTHER, extra: part.description)
        }
    }

    private mutating func begin(
        _ place: Place, _ kind: Int, id: String = "", name: String = "", extra: String = ""
    ) {
        send(id: id, name: name, extra: extra) { event in
            place.fill(&event, PB_EVENT_PART_OPEN)
            event.kind = UInt32(kind)
        }
    }

    private mutating func delta(_ place: Place, _ field: Int, _ text: String, name: String = "") {
        guard !text.isEmpty else { return }
        send(text: text, name: name) { event in
            place.fill(&event, PB_EVENT_PART_DELTA)
            event.field = UInt32(field)
        }
    }

    private mutating func opaque(_ part: JSONValue, _ place: Place) {
        guard let opaque = part["opaque"]?[0], let data = opaque["data"]?.stringValue else { return }
        let kind = opaque["kind"]?.stringValue ?? "signature"
        delta(place, PB_FIELD_OPAQUE, data, name: opaque["provider"]?.stringValue.map { "\($0):\(kind)" } ?? kind)
    }

    private mutating func call(_ part: JSONValue, _ place: Place) {
        var rest = part.objectValue ?? JSONObject()
        for known in ["k", "call_id", "name", "args_raw", "ann", "cache", "opaque"] { rest.remove(known) }
        begin(
            place, PB_PART_TOOL_CALL, id: part["call_id"]?.stringValue ?? "", name: part["name"]?.stringValue ?? "",
            extra: rest.isEmpty ? "" : JSONValue.object(rest).description)
        delta(place, PB_FIELD_ARGUMENTS, part["args_raw"]?.stringValue ?? "")
    }

    private static func isInline(_ part: JSONValue) -> Bool {
        part["src"]?["kind"]?.stringValue == "base64"
    }

    private mutating func media(_ part: JSONValue, _ place: Place, _ kind: Int) {
        let mime = JSONValue.object(["mime": part["src"]?["mime"] ?? ""]).description
        begin(place, kind, extra: mime)
        delta(place, PB_FIELD_DATA, part["src"]?["data"]?.stringValue ?? "")
        delta(place, PB_FIELD_TRANSCRIPT, part["transcript"]?.stringValue ?? "")
    }
}

/// A part of a choice.
private struct Place {
    let choice: UInt32
    let part: UInt32

    func fill(_ event: inout pb_event, _ type: Int) {
        event.type = UInt16(type)
        event.choice = choice
        event.part = part
    }
}
