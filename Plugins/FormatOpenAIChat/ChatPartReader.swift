import CanonicalChat
import PatchbayWire

/// Reads the content of messages.
enum ChatPartReader {
    /// Content as a string, an array of parts, or null.
    static func content(
        _ value: JSONNode, path: @autoclosure () -> String
    ) throws(ConversionError) -> ([CanonicalPart], CanonicalTurn.Form) {
        if let text = value.stringValue { return (text.isEmpty ? [] : [.text(text)], .string) }
        if value.isNull { return ([], .null) }
        guard value.isArray else { throw .invalid("`\(path())` must be a string, an array of parts or null") }
        var parts: [CanonicalPart] = []
        parts.reserveCapacity(value.childCount)
        for (index, item) in value.elements.enumerated() {
            if let text = item.stringValue ?? plainText(item) {
                parts.append(.text(text))
            } else {
                parts.append(try part(item.tree, path: "\(path())[\(index)]"))
            }
        }
        return (parts, .parts)
    }

    /// The text of `{"type": "text", "text": …}` with nothing else in it, which most parts are.
    private static func plainText(_ part: JSONNode) -> String? {
        guard part.childCount == 4, part["type"]?.equals("text") == true else { return nil }
        return part["text"]?.stringValue
    }

    private static func part(
        _ value: JSONValue, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart {
        guard let type = value["type"]?.stringValue else { throw .invalid("`\(path()).type` must be a string") }
        guard let content = try content(ofType: type, value, path: path()) else {
            return CanonicalPart(.other(value))
        }
        var part = CanonicalPart(content)
        var rest = JSONObject()
        for member in value.objectValue ?? JSONObject() {
            switch member.key {
            case "type", type: break
            case "cache_control": part.cache = CanonicalCache(origin: "anthropic", value: member.value)
            case "prompt_cache_breakpoint": part.cache = CanonicalCache(origin: "openai", value: member.value)
            default: rest.append(member.key, member.value)
            }
        }
        if case .media(let media) = content, media.kind == .file, case .base64 = media.source,
            value["file"]?["file_data"]?.stringValue.map({ DataURL($0) == nil }) == true
        {
            rest.append("$raw", true)
        }
        if !rest.isEmpty { part.native = CanonicalNative(format: ChatFormat.id, members: rest) }
        return part
    }

    private static func content(
        ofType type: String, _ value: JSONValue, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart.Content? {
        switch type {
        case "text", "refusal":
            guard let text = value[type]?.stringValue else { throw .invalid("`\(path()).\(type)` must be a string") }
            return type == "text" ? .text(text) : .refusal(text)
        case "image_url":
            guard let url = (value["image_url"]?["url"] ?? value["image_url"])?.stringValue else {
                throw .invalid("`\(path()).image_url.url` must be a string")
            }
            var media = CanonicalMedia(.image, source(url))
            media.detail = value["image_url"]?["detail"]?.stringValue
            return .media(media)
        case "video_url":
            guard let url = value["video_url"]?["url"]?.stringValue else { return nil }
            return .media(CanonicalMedia(.video, source(url)))
        case "input_audio":
            guard let data = value["input_audio"]?["data"]?.stringValue else {
                throw .invalid("`\(path()).input_audio.data` must be a string")
            }
            let format = value["input_audio"]?["format"]?.stringValue ?? "wav"
            var media = CanonicalMedia(.audio, .base64(mime: "audio/\(format)", data: data))
            media.format = format
            return .media(media)
        case "file": return try file(value["file"] ?? .null, path: path())
        default: return nil
        }
    }

    private static func source(_ url: String) -> CanonicalMedia.Source {
        guard let data = DataURL(url) else { return .url(url) }
        return .base64(mime: data.mime, data: data.base64)
    }

    private static func file(
        _ value: JSONValue, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart.Content {
        let filename = value["filename"]?.stringValue
        var media: CanonicalMedia
        if let id = value["file_id"]?.stringValue {
            media = CanonicalMedia(.file, .fileID(id))
        } else if let data = value["file_data"]?.stringValue {
            if let url = DataURL(data) {
                media = CanonicalMedia(.file, .base64(mime: url.mime, data: url.base64))
            } else {
                let base64 = DataURL.normalised(data)
                let mime = DataURL.sniffed(base64) ?? mimeType(of: filename)
                media = CanonicalMedia(.file, .base64(mime: mime, data: base64))
            }
        } else {
            throw .invalid("`\(path()).file` must have file_data or file_id")
        }
        media.filename = filename
        return .media(media)
    }

    private static func mimeType(of filename: String?) -> String {
        guard let filename, let dot = filename.lastIndex(of: ".") else { return "application/octet-stream" }
        switch filename[dot...].lowercased() {
        case ".pdf": return "application/pdf"
        case ".txt", ".md", ".csv", ".log": return "text/plain"
        case ".json": return "application/json"
        default: return "application/octet-stream"
        }
    }
}
