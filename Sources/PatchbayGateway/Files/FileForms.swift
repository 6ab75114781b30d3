import PatchbayStore
import PatchbayWire

/// The forms that the formats have for contents (formats.md section 4.3, rows of images and files).
enum FileForms {
    static func edits(
        for reference: FileReferences.Reference, _ content: FileContentText, _ tape: JSONTape
    ) throws(GatewayError) -> [FileEdit] {
        switch reference.place {
        case .chat(let part, let file): chat(content, tape, part: part, file: file)
        case .responses(let part, let id, let isImage):
            try responses(content, tape, part: part, id: id, isImage: isImage, reference.path)
        case .messages(let source, let isImage):
            [FileEdit(range: tape.span(source).range, bytes: try messages(content, isImage: isImage, reference.path))]
        case .gemini(let key, let data):
            [
                FileEdit(range: tape.span(key).range, bytes: Array("\"inlineData\"".utf8)),
                FileEdit(range: tape.span(data).range, bytes: gemini(content, tape, data)),
            ]
        case .unusable:
            throw .invalid(
                "the file '\(reference.id)' is kept by the gateway and cannot be used in this place",
                parameter: reference.path)
        }
    }

    // MARK: - Chat Completions

    /// The format has parts of their own for images and for sound; everything else is a file.
    private static func chat(
        _ content: FileContentText, _ tape: JSONTape, part: JSONIndex, file: JSONIndex
    ) -> [FileEdit] {
        var writer = JSONWriter()
        writer.beginObject()
        var type: StaticString = "\"file\""
        var key: StaticString = "\"file\""
        if content.file.type.hasPrefix("image/") {
            (type, key) = ("\"image_url\"", "\"image_url\"")
            writer.key("url")
            content.dataURL.withUnsafeBytes { writer.raw($0) }
        } else if let sound = soundFormat(content.file.type) {
            (type, key) = ("\"input_audio\"", "\"input_audio\"")
            writer.key("data")
            content.quoted.withUnsafeBytes { writer.raw($0) }
            writer.key("format")
            writer.string(sound)
        } else {
            writer.member("filename", name(of: content, tape, file))
            writer.key("file_data")
            content.dataURL.withUnsafeBytes { writer.raw($0) }
        }
        writer.endObject()
        var edits: [FileEdit] = []
        for member in tape.members(of: part) {
            if member.value == file {
                edits.append(FileEdit(range: tape.span(member.key).range, bytes: bytes(key)))
                edits.append(FileEdit(range: tape.span(file).range, bytes: writer.bytes))
            } else if tape.equals(member.key, "type") {
                edits.append(FileEdit(range: tape.span(member.value).range, bytes: bytes(type)))
            }
        }
        return edits
    }

    private static func soundFormat(_ type: String) -> StaticString? {
        switch type {
        case "audio/wav", "audio/x-wav", "audio/wave": "wav"
        case "audio/mpeg", "audio/mp3": "mp3"
        default: nil
        }
    }

    /// What the client calls the file in the request, else what it called it when it uploaded it.
    private static func name(of content: FileContentText, _ tape: JSONTape, _ object: JSONIndex) -> String {
        tape.present(object, named: "filename").flatMap { tape.string($0) } ?? content.file.name
    }

    // MARK: - Responses

    private static func responses(
        _ content: FileContentText, _ tape: JSONTape, part: JSONIndex, id: JSONIndex, isImage: Bool, _ path: String
    ) throws(GatewayError) -> [FileEdit] {
        if isImage { try demandImage(content, path) }
        let target: StaticString = isImage ? "image_url" : "file_data"
        var added = Array("\"\(target)\":".utf8) + content.dataURL
        if !isImage, tape.present(part, named: "filename") == nil {
            var writer = JSONWriter(appendingTo: added + Array(",\"filename\":".utf8))
            writer.string(content.file.name)
            added = writer.bytes
        }
        var edits: [FileEdit] = []
        for member in tape.members(of: part) {
            let whole = tape.span(member.key).range.lowerBound..<tape.span(member.value).range.upperBound
            if member.value == id {
                edits.append(FileEdit(range: whole, bytes: added))
            } else if tape.kind(member.value) == .null,
                tape.equals(member.key, target) || !isImage && tape.equals(member.key, "filename")
            {
                // Some clients write what they do not say as null; it must not hide what is said now.
                edits.append(FileEdit(range: whole, bytes: Array("\"file_id\":null".utf8)))
            }
        }
        return edits
    }

    // MARK: - Messages

    /// A source: an image or PDF in base64, or text as it is, because the format takes no other files.
    private static func messages(
        _ content: FileContentText, isImage: Bool, _ path: String
    ) throws(GatewayError) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if isImage {
            try demandImage(content, path)
            writeBase64(content, into: &writer)
        } else if content.file.type == "application/pdf" {
            writeBase64(content, into: &writer)
        } else {
            guard FileType.isText(content.file.type),
                let text = String(validating: content.bytes ?? [], as: UTF8.self)
            else {
                throw .invalid(
                    "the file '\(content.file.id)' is \(content.file.type); a document has to be a PDF or text",
                    parameter: path)
            }
            writer.member("type", literal: "text")
            writer.member("media_type", literal: "text/plain")
            writer.member("data", text)
        }
        writer.endObject()
        return writer.bytes
    }

    private static func writeBase64(_ content: FileContentText, into writer: inout JSONWriter) {
        writer.member("type", literal: "base64")
        writer.member("media_type", content.file.type)
        writer.key("data")
        content.quoted.withUnsafeBytes { writer.raw($0) }
    }

    private static func demandImage(_ content: FileContentText, _ path: String) throws(GatewayError) {
        guard !content.file.type.hasPrefix("image/") else { return }
        throw .invalid("the file '\(content.file.id)' is \(content.file.type) and no image", parameter: path)
    }

    // MARK: - Gemini

    private static func gemini(_ content: FileContentText, _ tape: JSONTape, _ data: JSONIndex) -> [UInt8] {
        let said = tape.present(data, named: "mimeType") ?? tape.present(data, named: "mime_type")
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("mimeType", said.flatMap { tape.string($0) } ?? content.file.type)
        writer.key("data")
        content.quoted.withUnsafeBytes { writer.raw($0) }
        writer.endObject()
        return writer.bytes
    }

    private static func bytes(_ text: StaticString) -> [UInt8] {
        Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
