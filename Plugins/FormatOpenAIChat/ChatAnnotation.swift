import CanonicalChat
import PatchbayWire

/// Citations of an answer's text.
enum ChatAnnotation {
    /// The canonical form of an entry of `annotations`.
    static func read(_ value: JSONValue) -> JSONValue {
        var members = JSONObject()
        if value["type"]?.stringValue == "url_citation", let citation = value["url_citation"] {
            members.append("kind", "url")
            members.setIfPresent("url", citation["url"]?.nonNull)
            members.setIfPresent("title", citation["title"]?.nonNull)
            members.setIfPresent("start", citation["start_index"]?.nonNull)
            members.setIfPresent("end", citation["end_index"]?.nonNull)
        } else {
            members.append("kind", "other")
        }
        members.append("native", .object([ChatFormat.id: value]))
        return .object(members)
    }

    /// The entry for a canonical annotation; nil if the format has none for it.
    static func write(_ annotation: JSONValue) -> JSONValue? {
        if let native = annotation["native"]?[ChatFormat.id] { return native }
        guard annotation["kind"]?.stringValue == "url", let url = annotation["url"] else { return nil }
        return [
            "type": "url_citation",
            "url_citation": [
                "url": url, "title": annotation["title"] ?? "", "start_index": annotation["start"] ?? 0,
                "end_index": annotation["end"] ?? 0,
            ],
        ]
    }
}
