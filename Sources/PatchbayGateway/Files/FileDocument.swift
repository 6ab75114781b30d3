import PatchbayCore
import PatchbayStore
import PatchbayWire

/// What is said of files, in the shape of the caller's SDK (formats.md section 2.9).
enum FileDocument {
    static func metadata(_ file: StoredFile, _ dialect: Dialect) -> [UInt8] {
        var writer = JSONWriter()
        write(file, dialect, into: &writer)
        return writer.bytes
    }

    static func deleted(_ id: String, _ dialect: Dialect) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", id)
        if dialect == .anthropic {
            writer.member("type", literal: "file_deleted")
        } else {
            writer.member("object", literal: "file")
            writer.member("deleted", true)
        }
        writer.endObject()
        return writer.bytes
    }

    /// A page with the cursors of every line of the official clients: `has_more` with the first and the last id, and
    /// `next_page`.
    static func list(_ page: FilePage, _ dialect: Dialect, isBackward: Bool) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if dialect != .anthropic { writer.member("object", literal: "list") }
        writer.key("data")
        writer.beginArray()
        for file in page.files { write(file, dialect, into: &writer) }
        writer.endArray()
        writer.member("has_more", page.hasMore)
        writer.member("first_id", page.files.first.map { .string($0.id) } ?? .null)
        writer.member("last_id", page.files.last.map { .string($0.id) } ?? .null)
        if dialect == .anthropic {
            let next = page.hasMore && !isBackward ? page.files.last : nil
            writer.member("next_page", next.map { .string(FileQuery.pagePrefix + $0.id) } ?? .null)
        }
        writer.endObject()
        return writer.bytes
    }

    private static func write(_ file: StoredFile, _ dialect: Dialect, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", file.id)
        if dialect == .anthropic {
            writer.member("type", literal: "file")
            writer.member("filename", file.name)
            writer.member("mime_type", file.type)
            writer.member("size_bytes", file.bytes)
            writer.member("created_at", Timestamp.text(milliseconds: file.created))
            writer.member("expires_at", Timestamp.text(milliseconds: file.expires))
            writer.member("downloadable", true)
        } else {
            writer.member("object", literal: "file")
            writer.member("bytes", file.bytes)
            writer.member("created_at", Int(file.created / 1000))
            writer.member("expires_at", Int(file.expires / 1000))
            writer.member("filename", file.name)
            writer.member("purpose", file.purpose)
            writer.member("status", literal: "processed")
            writer.nullMember("status_details")
        }
        writer.endObject()
    }
}

/// What the client asks for in the query of `GET /v1/files`.
enum FileQuery {
    /// Cursors of Anthropic's newer client begin so.
    static let pagePrefix = "page_"
    private static let mostIDs = 100

    static func parse(_ text: String, _ dialect: Dialect) throws(GatewayError) -> FileListQuery {
        var query = FileListQuery()
        let longest = dialect == .anthropic ? 1_000 : 10_000
        query.limit = dialect == .anthropic ? 20 : longest
        for pair in text.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decoded(halves[0].utf8),
                let value = PercentEncoding.decoded((halves.count > 1 ? halves[1] : "").utf8), !value.isEmpty
            else { continue }
            switch name {
            case "purpose": query.purpose = value
            case "limit":
                guard let limit = Int(value), (1...longest).contains(limit) else {
                    throw .invalid("\"limit\" has to be from 1 to \(longest)", parameter: "limit")
                }
                query.limit = limit
            case "order":
                guard value == "asc" || value == "desc" else {
                    throw .invalid("\"order\" has to be asc or desc", parameter: "order")
                }
                query.oldestFirst = value == "asc"
            case "after", "after_id": query.after = value
            case "before_id": query.before = value
            case "page": query.after = value.hasPrefix(pagePrefix) ? String(value.dropFirst(pagePrefix.count)) : value
            case "ids", "ids[]": query.ids += value.split(separator: ",").map(String.init)
            default: break
            }
        }
        guard query.ids.count <= mostIDs else {
            throw .invalid("\"ids\" may have at most \(mostIDs) elements", parameter: "ids")
        }
        return query
    }
}
