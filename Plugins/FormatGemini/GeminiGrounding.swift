import CanonicalChat
import PatchbayWire

/// Sources that an answer names: `groundingMetadata` and `citationMetadata` of a candidate.
///
/// The format counts bytes of UTF-8 inside of one part, the shared model counts code points.
enum GeminiGrounding {
    /// An annotation and the part of text it belongs to, counted among the texts of the answer.
    struct Note {
        var text: Int
        var annotation: JSONValue
    }

    /// - Parameter texts: the texts of the candidate as UTF-8; empty where they are not known, then offsets are left out.
    static func notes(_ candidate: JSONValue, texts: [[UInt8]]) -> [Note] {
        grounding(candidate["groundingMetadata"], texts) + citations(candidate["citationMetadata"], texts)
    }

    private static func grounding(_ metadata: JSONValue?, _ texts: [[UInt8]]) -> [Note] {
        let chunks = metadata?["groundingChunks"]?.arrayValue ?? []
        let supports = metadata?["groundingSupports"]?.arrayValue ?? []
        if supports.isEmpty { return chunks.map { Note(text: max(0, texts.count - 1), annotation: source($0, nil)) } }
        var notes: [Note] = []
        for support in supports {
            let segment = support["segment"]
            let text = segment?["partIndex"]?.protobufInt ?? 0
            for index in support["groundingChunkIndices"]?.arrayValue ?? [] {
                guard let position = index.protobufInt, chunks.indices.contains(position) else { continue }
                var members = source(chunks[position], segment?["text"]).objectValue ?? JSONObject()
                if texts.indices.contains(text) { locate(segment, texts[text], &members) }
                notes.append(Note(text: text, annotation: .object(members)))
            }
        }
        return notes
    }

    private static func source(_ chunk: JSONValue, _ cited: JSONValue?) -> JSONValue {
        let inner = chunk["web"] ?? chunk["retrievedContext"] ?? chunk["maps"]
        var members: JSONObject = ["kind": "url"]
        members.setIfPresent("url", inner?["uri"]?.nonNull)
        members.setIfPresent("title", inner?["title"]?.nonNull)
        members.setIfPresent("cited_text", cited?.nonNull)
        return .object(members)
    }

    private static func citations(_ metadata: JSONValue?, _ texts: [[UInt8]]) -> [Note] {
        let list = metadata?["citations"]?.arrayValue ?? metadata?["citationSources"]?.arrayValue ?? []
        return list.map { citation in
            var members: JSONObject = ["kind": "url"]
            members.setIfPresent("url", citation["uri"]?.nonNull)
            members.setIfPresent("title", citation["title"]?.nonNull)
            if let first = texts.first { locate(citation, first, &members) }
            return Note(text: 0, annotation: .object(members))
        }
    }

    private static func locate(_ segment: JSONValue?, _ text: [UInt8], _ members: inout JSONObject) {
        guard let end = segment?["endIndex"]?.protobufInt, end <= text.count, end >= 0 else { return }
        let start = min(max(0, segment?["startIndex"]?.protobufInt ?? 0), end)
        members.append("start", .int(codePoints(text, start)))
        members.append("end", .int(codePoints(text, end)))
    }

    /// Code points that begin in the first `count` bytes.
    private static func codePoints(_ text: [UInt8], _ count: Int) -> Int {
        text.prefix(count).count { $0 & 0xC0 != 0x80 }
    }
}
