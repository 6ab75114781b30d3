import PatchbayWire

/// The media type of a file: what its upload says, else what its first bytes or its name say.
enum FileType {
    static let unknown = "application/octet-stream"

    static func of(declared: String?, name: String, content: UnsafeRawBufferPointer) -> String {
        if let declared = declared.flatMap(essence), declared != unknown { return declared }
        return signature(content) ?? byExtension(name) ?? unknown
    }

    /// `type/subtype` in lower case; nil if it is none (RFC 9110 section 8.3.1) or longer than any registered one.
    private static func essence(_ value: String) -> String? {
        let type = value.prefix { $0 != ";" && $0 != " " }.lowercased()
        let halves = type.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, type.utf8.count <= 127,
            halves.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isName) })
        else { return nil }
        return type
    }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$&-^_.+".utf8.contains(byte)
        }
    }

    private static func signature(_ content: UnsafeRawBufferPointer) -> String? {
        if content.hasPrefix("%PDF-") { return "application/pdf" }
        if content.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) { return "image/png" }
        if content.starts(with: [0xff, 0xd8, 0xff]) { return "image/jpeg" }
        if content.hasPrefix("GIF87a") || content.hasPrefix("GIF89a") { return "image/gif" }
        if content.hasPrefix("RIFF"), content.count >= 12 {
            let kind = UnsafeRawBufferPointer(rebasing: content[8..<12])
            return kind.equals("WEBP") ? "image/webp" : kind.equals("WAVE") ? "audio/wav" : nil
        }
        return nil
    }

    private static func byExtension(_ name: String) -> String? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        return extensions[name[dot...].dropFirst().lowercased()]
    }

    private static let extensions = [
        "pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html",
        "json": "application/json", "jsonl": "application/jsonl", "xml": "application/xml", "yaml": "application/yaml",
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
        "mp3": "audio/mpeg", "wav": "audio/wav", "mp4": "video/mp4",
    ]

    /// Whether a content of the type is text for people and programs.
    static func isText(_ type: String) -> Bool {
        type.hasPrefix("text/") || type.hasSuffix("+json") || type.hasSuffix("+xml")
            || ["application/json", "application/jsonl", "application/xml", "application/yaml"].contains(type)
    }
}
