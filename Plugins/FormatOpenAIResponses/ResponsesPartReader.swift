import CanonicalChat
import PatchbayWire

/// Reads the content of messages and of tool results.
enum ResponsesPartReader {
    /// Content as a string or an array of parts.
    static func content(
        _ value: JSONValue, path: @autoclosure () -> String
    ) throws(ConversionError) -> ([CanonicalPart], CanonicalTurn.Form) {
        switch value {
        case .string(let text): return (text.isEmpty ? [] : [.text(text)], .string)
        case .null: return ([], .null)
        case .array(let items):
            var parts: [CanonicalPart] = []
            parts.reserveCapacity(items.count)
            for (index, item) in items.enumerated() {
                if let text = item.stringValue {
                    parts.append(.text(text))
                } else {
                    parts.append(try part(item, path: "\(path())[\(index)]"))
                }
            }
            return (parts, .parts)
        default: throw .invalid("`\(path())` must be a string or an array of parts")
        }
    }

    static func part(_ value: JSONValue, path: @autoclosure () -> String) throws(ConversionError) -> CanonicalPart {
        guard let type = value["type"]?.stringValue else { throw .invalid("`\(path()).type` must be a string") }
        guard let content = try content(ofType: type, value, path: path()) else {
            return .native(value)
        }
        var part = CanonicalPart(content)
        var rest = JSONObject()
        let known = consumed(type, content)
        for member in value.objectValue ?? JSONObject() {
            switch member.key {
            case "type": break
            case "annotations" where type == "output_text":
                if let list = member.value.arrayValue, !list.isEmpty {
                    part.annotations = list.map(ResponsesAnnotation.read)
                } else {
                    rest.append(member.key, member.value)
                }
            case "prompt_cache_breakpoint":
                part.cache = CanonicalCache(origin: "openai", value: member.value)
            case let key where known.contains(key): break
            default: rest.append(member.key, member.value)
            }
        }
        if case .media(let media) = content, media.kind == .file, case .base64 = media.source,
            value["file_data"]?.stringValue.map({ DataURL($0) == nil }) == true
        {
            rest.append("$raw", true)
        }
        if !rest.isEmpty { part.native = CanonicalNative(format: ResponsesFormat.id, members: rest) }
        return part
    }

    /// Members that the typed part holds.
    private static func consumed(_ type: String, _ content: CanonicalPart.Content) -> [String] {
        guard case .media(let media) = content else { return type == "refusal" ? ["refusal"] : ["text"] }
        switch (media.kind, media.source) {
        case (.image, .fileID): return ["file_id", "detail"]
        case (.image, _): return ["image_url", "detail"]
        case (.file, .fileID): return ["file_id", "filename"]
        case (.file, .url): return ["file_url", "filename"]
        case (.file, _): return ["file_data", "filename"]
        default: return ["input_audio"]
        }
    }

    private static func content(
        ofType type: String, _ value: JSONValue, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalPart.Content? {
        switch type {
        case "input_text", "output_text", "text":
            guard let text = value["text"]?.stringValue else { throw .invalid("`\(path()).text` must be a string") }
            return .text(text)
        case "refusal":
            guard let text = value["refusal"]?.stringValue else {
                throw .invalid("`\(path()).refusal` must be a string")
            }
            return .refusal(text)
        case "input_image":
            var media: CanonicalMedia
            if let url = value["image_url"]?.stringValue {
                media = CanonicalMedia(.image, source(url))
            } else if let id = value["file_id"]?.stringValue {
                media = CanonicalMedia(.image, .fileID(id))
            } else {
                throw .invalid("`\(path())` must have image_url or file_id")
            }
            media.detail = value["detail"]?.stringValue
            return .media(media)
        case "input_file": return .media(try file(value, path: path()))
        case "input_audio":
            guard let data = value["input_audio"]?["data"]?.stringValue else { return nil }
            let format = value["input_audio"]?["format"]?.stringValue ?? "wav"
            var media = CanonicalMedia(.audio, .base64(mime: "audio/\(format)", data: data))
            media.format = format
            return .media(media)
        default: return nil
        }
    }

    private static func source(_ url: String) -> CanonicalMedia.Source {
        guard let data = DataURL(url) else { return .url(url) }
        return .base64(mime: data.mime, data: data.base64)
    }

    private static func file(
        _ value: JSONValue, path: @autoclosure () -> String
    ) throws(ConversionError) -> CanonicalMedia {
        var media: CanonicalMedia
        if let id = value["file_id"]?.stringValue {
            media = CanonicalMedia(.file, .fileID(id))
        } else if let data = value["file_data"]?.stringValue {
            if let url = DataURL(data) {
                media = CanonicalMedia(.file, .base64(mime: url.mime, data: url.base64))
            } else {
                let base64 = DataURL.normalised(data)
                media = CanonicalMedia(
                    .file, .base64(mime: DataURL.sniffed(base64) ?? "application/octet-stream", data: base64))
            }
        } else if let url = value["file_url"]?.stringValue {
            media = CanonicalMedia(.file, .url(url))
        } else {
            throw .invalid("`\(path())` must have file_id, file_data or file_url")
        }
        media.filename = value["filename"]?.stringValue
        return media
    }
}

extension CanonicalPart {
    /// A part that only this format knows, marked so that no writer of another format takes it for its own.
    static func native(_ value: JSONValue) -> CanonicalPart {
        var part = CanonicalPart(.other(value))
        part.native = CanonicalNative(format: ResponsesFormat.id, members: ["$wire": true])
        return part
    }

    /// Adds a note of the reader for the writer.
    mutating func note(_ name: String, _ value: JSONValue) {
        var native = native ?? CanonicalNative(format: ResponsesFormat.id)
        native.members.append(name, value)
        self.native = native
    }

    /// What the reader of this format left for its writer.
    var own: JSONObject? { native?.format == ResponsesFormat.id ? native?.members : nil }
}
