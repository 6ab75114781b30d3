internal import CPatchbay
internal import PatchbayWire

/// One part of an answer while its events are folded.
struct FoldedPart {
    private let kind: UInt32
    private let callID: [UInt8]
    private let name: [UInt8]
    private let extra: [UInt8]
    private var text: [UInt8] = []
    private var transcript: [UInt8] = []
    private var opaque: (name: [UInt8], data: [UInt8])?
    /// Annotations, each a JSON document.
    var notes: [[UInt8]] = []

    init(opening event: borrowing StreamEvent) {
        kind = event.partKind
        callID = Array(event.id)
        name = Array(event.name)
        extra = Array(event.extra)
    }

    mutating func append(_ event: borrowing StreamEvent) {
        switch event.field {
        case UInt32(PB_FIELD_OPAQUE): opaque = (Array(event.name), Array(event.text))
        case UInt32(PB_FIELD_TRANSCRIPT): transcript.append(contentsOf: event.text)
        default: text.append(contentsOf: event.text)
        }
    }

    // MARK: - Document

    func write(into writer: inout JSONWriter) {
        if kind == 0 || kind >= UInt32(PB_PART_OTHER) { return writeOther(&writer) }
        writer.beginObject()
        switch kind {
        case UInt32(PB_PART_REASONING):
            writer.member("k", "reasoning")
            writer.member("text", text)
        case UInt32(PB_PART_REASONING_REDACTED): writer.member("k", "reasoning_redacted")
        case UInt32(PB_PART_TOOL_CALL): writeCall(&writer)
        case UInt32(PB_PART_IMAGE): writeMedia("image", &writer)
        case UInt32(PB_PART_AUDIO): writeMedia("audio", &writer)
        case UInt32(PB_PART_REFUSAL):
            writer.member("k", "refusal")
            writer.member("text", text)
        default:
            writer.member("k", "text")
            writer.member("text", text)
        }
        if let opaque { Self.write(opaque.name, opaque.data, &writer) }
        if !notes.isEmpty {
            writer.key("ann")
            writer.beginArray()
            for note in notes { writer.checked(note) }
            writer.endArray()
        }
        writer.endObject()
    }

    private static func write(_ name: [UInt8], _ data: [UInt8], _ writer: inout JSONWriter) {
        writer.key("opaque")
        writer.beginArray()
        writer.beginObject()
        let words = name.split(separator: UInt8(ascii: ":"), maxSplits: 1)
        if words.count == 2 {
            writer.member("kind", Array(words[1]))
            writer.member("provider", Array(words[0]))
        } else {
            writer.member("kind", name)
        }
        writer.member("data", data)
        writer.endObject()
        writer.endArray()
    }

    private func writeCall(_ writer: inout JSONWriter) {
        writer.member("k", "tool_call")
        writer.member("call_id", callID)
        writer.member("name", name)
        let members = (try? JSONValue(parsing: extra))?.objectValue ?? JSONObject()
        for member in members where member.key != "args_raw" {
            writer.key(member.key)
            writer.value(member.value)
        }
        writer.member("args_raw", text)
    }

    private func writeMedia(_ word: StaticString, _ writer: inout JSONWriter) {
        writer.member("k", word)
        writer.key("src")
        writer.beginObject()
        writer.member("kind", "base64")
        let mime = (try? JSONValue(parsing: extra))?["mime"]?.stringValue ?? ""
        writer.key("mime")
        writer.string(mime)
        writer.member("data", text)
        writer.endObject()
        if !transcript.isEmpty { writer.member("transcript", transcript) }
    }

    /// The whole part stands in `extra_json` of the event that opened it.
    private func writeOther(_ writer: inout JSONWriter) {
        guard let value = try? JSONValue(parsing: extra), case .object(let object) = value, object["k"] != nil else {
            writer.beginObject()
            writer.member("k", "unknown")
            writer.key("value")
            writer.checked(extra)
            writer.endObject()
            return
        }
        guard !notes.isEmpty, object["ann"] == nil else { return writer.value(value) }
        var whole = object
        whole["ann"] = .array(notes.map { (try? JSONValue(parsing: $0)) ?? .null })
        writer.value(.object(whole))
    }
}
