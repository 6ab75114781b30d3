import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension ChatRequestWriter {
    /// Writes `content`: a string where the parts are nothing but text, else an array.
    mutating func writeContent(
        _ parts: [CanonicalPart], form: CanonicalTurn.Form?, separator: String, _ path: String
    ) throws(ConversionError) {
        if isSameFormat {
            switch form {
            case .absent? where parts.isEmpty: return
            case .null? where parts.isEmpty: return writer.nullMember("content")
            case .string? where parts.isEmpty: return writer.member("content", "")
            case .string? where parts.count == 1:
                if let text = parts.first.flatMap(Self.text) { return writer.member("content", text) }
            default: break
            }
        } else if let text = joined(parts, separator: separator, path) {
            return writer.member("content", text)
        }
        writer.key("content")
        writer.beginArray()
        for part in parts { try writePart(part, path) }
        writer.endArray()
    }

    /// The whole content as one string, if it is text only.
    private mutating func joined(_ parts: [CanonicalPart], separator: String, _ path: String) -> String? {
        if parts.count == 1, parts[0].cache == nil, let text = Self.text(parts[0]) { return text }
        var texts: [String] = []
        texts.reserveCapacity(parts.count)
        for part in parts {
            if part.cache != nil, context.profile.cacheControl == true { return nil }
            switch part.content {
            case .text(let text): texts.append(text)
            case .other(let value):
                guard let text = flattened(value, path) else { continue }
                texts.append(text)
            default: return nil
            }
        }
        if parts.contains(where: { $0.cache != nil }) { context.lose(.info, "cache", at: path) }
        return texts.joined(separator: separator)
    }

    private mutating func writePart(_ part: CanonicalPart, _ path: String) throws(ConversionError) {
        switch part.content {
        case .text(let text):
            writer.beginObject()
            writer.member("type", literal: "text")
            writer.member("text", text)
        case .refusal(let text):
            writer.beginObject()
            writer.member("type", literal: "refusal")
            writer.member("refusal", text)
        case .media(let media):
            if case .parts(let inner) = media.source {
                context.lose(.degrade, "file.content", at: path)
                for part in inner { try writePart(part, path) }
                return
            }
            try writeMedia(media, raw: part.native?["$raw"] != nil, path)
        case .other(let value):
            if isSameFormat { return writer.value(value) }
            guard let text = flattened(value, path) else { return }
            writer.beginObject()
            writer.member("type", literal: "text")
            writer.member("text", text)
        case .reasoning, .toolCall, .toolResult: return
        }
        writeCache(part.cache, path)
        writeExtras(part.native)
        writer.endObject()
    }

    private mutating func writeCache(_ cache: CanonicalCache?, _ path: String) {
        guard let cache else { return }
        if cache.origin == "openai" {
            writer.member("prompt_cache_breakpoint", cache.value)
        } else if isSameFormat || context.profile.cacheControl == true {
            writer.member("cache_control", cache.value)
        } else {
            context.lose(.info, "cache", at: path)
        }
    }

    /// What can be said in text of a part of another format; nil drops the part.
    private mutating func flattened(_ value: JSONValue, _ path: String) -> String? {
        switch value["type"]?.stringValue {
        case "search_result"?:
            context.lose(.degrade, "part.search_result", at: path)
            var lines = [value["title"]?.stringValue, value["source"]?.stringValue].compactMap { $0 }
            lines += (value["content"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }
            return lines.joined(separator: "\n")
        case "tool_reference"?: return nil
        default:
            context.lose(.degrade, "part.\(value["type"]?.stringValue ?? "unknown")", at: path)
            return nil
        }
    }

    // MARK: - Media

    /// Opens the object of the part; the caller closes it.
    private mutating func writeMedia(_ media: CanonicalMedia, raw: Bool, _ path: String) throws(ConversionError) {
        switch media.kind {
        case .image, .video:
            let name: StaticString = media.kind == .image ? "image_url" : "video_url"
            let url: String
            switch media.source {
            case .base64(let mime, let data): url = "data:\(mime);base64,\(data)"
            case .url(let text): url = text
            default: throw unsupported("an image that lives in another provider's files", path)
            }
            writer.beginObject()
            writer.member("type", literal: name)
            writer.key(name)
            writer.beginObject()
            writer.member("url", url)
            writer.member("detail", ifPresent: media.detail)
            writer.endObject()
        case .audio:
            guard case .base64(let mime, let data) = media.source else { throw unsupported("this audio source", path) }
            writer.beginObject()
            writer.member("type", literal: "input_audio")
            writer.key("input_audio")
            writer.beginObject()
            writer.member("data", data)
            writer.member("format", media.format ?? String(mime.dropFirst("audio/".count)))
            writer.endObject()
        case .file: try writeFile(media, raw: raw, path)
        }
    }

    private mutating func writeFile(_ media: CanonicalMedia, raw: Bool, _ path: String) throws(ConversionError) {
        if case .text(let text) = media.source {
            context.lose(.info, "file.text", at: path)
            let head = [media.filename, media.context].compactMap { $0 }.joined(separator: "\n")
            writer.beginObject()
            writer.member("type", literal: "text")
            return writer.member("text", head.isEmpty ? text : head + "\n\n" + text)
        }
        if media.citations != nil { context.lose(.degrade, "file.citations", at: path) }
        writer.beginObject()
        writer.member("type", literal: "file")
        writer.key("file")
        writer.beginObject()
        switch media.source {
        case .base64(let mime, let data):
            writer.member("filename", ifPresent: media.filename ?? (isSameFormat ? nil : "document.pdf"))
            writer.member("file_data", raw ? data : "data:\(mime);base64,\(data)")
        case .fileID(let id) where isSameFormat:
            writer.member("file_id", id)
            writer.member("filename", ifPresent: media.filename)
        case .fileID: throw unsupported("a document that lives in another provider's files", path)
        default: throw unsupported("a document given by URL", path)
        }
        writer.endObject()
    }

    private mutating func unsupported(_ what: String, _ path: String) -> ConversionError {
        context.lose(.fatal, "media", at: path)
        return ConversionError(.unsupported, "`\(path)`: openai.chat cannot carry \(what)")
    }
}
