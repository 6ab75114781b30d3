import CanonicalChat
import PatchbayWire

/// Citations of an answer's text.
enum ResponsesAnnotation {
    /// The canonical form of an entry of `annotations`.
    static func read(_ value: JSONValue) -> JSONValue {
        var members = JSONObject()
        switch value["type"]?.stringValue {
        case "url_citation"?:
            members.append("kind", "url")
            members.setIfPresent("url", value["url"]?.nonNull)
            members.setIfPresent("title", value["title"]?.nonNull)
            members.setIfPresent("start", value["start_index"]?.nonNull)
            members.setIfPresent("end", value["end_index"]?.nonNull)
        default: members.append("kind", "other")
        }
        members.append("native", .object([ResponsesFormat.id: value]))
        return .object(members)
    }

    /// The entry for a canonical annotation; nil if the format has none for it.
    static func write(_ annotation: JSONValue) -> JSONValue? {
        if let native = annotation["native"]?[ResponsesFormat.id] { return native }
        guard annotation["kind"]?.stringValue == "url", let url = annotation["url"] else { return nil }
        return [
            "type": "url_citation", "start_index": annotation["start"] ?? 0, "end_index": annotation["end"] ?? 0,
            "title": annotation["title"] ?? "", "url": url,
        ]
    }
}
