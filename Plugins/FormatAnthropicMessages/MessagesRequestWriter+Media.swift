import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension MessagesRequestWriter {
    /// Writes the members of an image or document block.
    mutating func writeMedia(_ media: CanonicalMedia, _ path: String) throws(ConversionError) {
        if media.kind == .image {
            writer.member("type", literal: "image")
            if media.detail != nil, !isSameFormat { context.lose(.info, "image.detail", at: path) }
            try writeImageSource(media.source, path)
        } else {
            writer.member("type", literal: "document")
            try writeDocumentSource(media, path)
            writer.member("title", ifPresent: media.filename)
            writer.member("context", ifPresent: media.context)
            writer.member("citations", ifPresent: media.citations)
        }
    }

    private static let imageTypes: Set<String> = ["image/jpeg", "image/png", "image/gif", "image/webp"]

    private mutating func writeImageSource(_ source: CanonicalMedia.Source, _ path: String) throws(ConversionError) {
        writer.key("source")
        switch source {
        case .base64(let declared, let data):
            // The server compares the type with the bytes, and clients are often wrong.
            let base64 = isSameFormat ? data : DataURL.normalised(data)
            let mime = isSameFormat ? declared : DataURL.sniffed(base64) ?? declared
            guard isSameFormat || Self.imageTypes.contains(mime) else {
                throw unsupported("an image of type \(mime.isEmpty ? "unknown" : mime)", path)
            }
            writeBase64(mime, base64)
        case .url(let url):
            if !isSameFormat, !url.hasPrefix("https://") { context.lose(.degrade, "image.url", at: path) }
            writer.value(["type": "url", "url": .string(url)])
        case .fileID(let id) where isSameFormat: writer.value(["type": "file", "file_id": .string(id)])
        default: throw unsupported("an image that lives in another provider's files", path)
        }
    }

    private mutating func writeBase64(_ mime: String, _ data: String) {
        writer.beginObject()
        writer.member("type", literal: "base64")
        writer.member("media_type", mime)
        writer.member("data", data)
        writer.endObject()
    }

    private mutating func writeDocumentSource(_ media: CanonicalMedia, _ path: String) throws(ConversionError) {
        writer.key("source")
        switch media.source {
        case .base64(let declared, let data):
            if isSameFormat { return writeBase64(declared, data) }
            let mime = DataURL.sniffed(data) ?? declared
            if mime == "application/pdf" {
                writeBase64(mime, data)
            } else if mime.hasPrefix("text/") || mime == "application/json" {
                writeText(String(decoding: DataURL.decode(data.utf8), as: UTF8.self))
            } else {
                throw unsupported("a file of type \(mime)", path)
            }
        case .text(let text): writeText(text)
        case .url(let url): writer.value(["type": "url", "url": .string(url)])
        case .parts(let parts):
            writer.beginObject()
            writer.member("type", literal: "content")
            writer.key("content")
            writer.beginArray()
            for part in parts { try writeBlock(part, role: .user, path) }
            writer.endArray()
            writer.endObject()
        case .fileID(let id) where isSameFormat: writer.value(["type": "file", "file_id": .string(id)])
        case .fileID: throw unsupported("a document that lives in another provider's files", path)
        }
    }

    private mutating func writeText(_ text: String) {
        writer.beginObject()
        writer.member("type", literal: "text")
        writer.member("media_type", literal: "text/plain")
        writer.member("data", text)
        writer.endObject()
    }
}
