import PatchbayPlugin

/// The model list, which Anthropic hands out in pages.
struct ModelPages {
    private struct Page: Decodable {
        struct Item: Decodable {
            var id: String
            var display_name: String?
            var created_at: String?
            var max_input_tokens: Int?
            var max_tokens: Int?
            var capabilities: Capabilities?
        }

        struct Capabilities: Decodable {
            struct Support: Decodable { var supported: Bool? }

            var image_input: Support?
            var pdf_input: Support?
            var thinking: Support?

            /// Nil unless both are told.
            var input: [String]? {
                guard let image = image_input?.supported, let pdf = pdf_input?.supported else { return nil }
                return (image ? ["image"] : []) + (pdf ? ["pdf"] : [])
            }
        }

        var data: [Item]
        var has_more: Bool?
        var last_id: String?
    }

    /// A bound, should a site answer the same page for ever.
    private static let maximumPages = 20

    let call: Call
    let headers: [(String, String)]

    func read() async throws -> ModelList {
        let url = call.baseURL + (call.baseURL.hasSuffix("/v1") ? "/models" : "/v1/models") + "?limit=1000"
        var entries: [ModelEntry] = []
        var after: String?
        for _ in 0..<Self.maximumPages {
            let address = after.map { "\(url)&after_id=\(Self.escaped($0))" } ?? url
            let response = try await call.http(.get(address, headers: headers)).checked(as: "the model list")
            let page = try response.decode(Page.self, as: "the model list")
            entries += page.data.map(Self.entry)
            guard page.has_more == true, let last = page.last_id, last != after else {
                return ModelList(models: entries)
            }
            after = last
        }
        return ModelList(models: entries, complete: false)
    }

    private static func entry(_ item: Page.Item) -> ModelEntry {
        ModelEntry(
            id: item.id, name: item.display_name, ownedBy: "anthropic",
            createdAt: item.created_at.flatMap { Timestamp.seconds(rfc3339: $0) }, formats: ["anthropic.messages"],
            contextWindow: item.max_input_tokens, maxOutputTokens: item.max_tokens,
            thinking: item.capabilities?.thinking?.supported, input: item.capabilities?.input)
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986.
    static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
