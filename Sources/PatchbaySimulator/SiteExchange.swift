/// A request as the simulated site sees it, without a transport.
struct SiteRequest: Sendable {
    var method: String
    /// Without the query.
    var path: String
    var query: [String: String]
    /// Names in lower case; the last of several fields wins.
    var headers: [String: String]
    var body: [UInt8]

    init(method: String, target: String, headers: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.path = String(parts[0])
        self.query = parts.count > 1 ? Self.pairs(in: parts[1]) : [:]
        self.headers = headers
        self.body = body
    }

    var document: Document? { DocumentParser.parse(body) }

    /// The credential of `Authorization`, with or without the word Bearer.
    var authorization: String? {
        guard let value = headers["authorization"], !value.isEmpty else { return nil }
        return value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : value
    }

    func cookie(_ name: String) -> String? {
        for pair in (headers["cookie"] ?? "").split(separator: ";") {
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return String(parts[1]) }
        }
        return nil
    }

    private static func pairs(in query: Substring) -> [String: String] {
        var result: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            result[decoded(parts[0])] = parts.count > 1 ? decoded(parts[1]) : ""
        }
        return result
    }

    private static func decoded(_ text: Substring) -> String {
        var output: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            if byte == UInt8(ascii: "%"), let high = bytes.next(), let low = bytes.next(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            {
                output.append(value)
            } else {
                output.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}

/// The site's answer: a head, and a body that is known or that grows at the model's pace.
struct SiteAnswer: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        case stream(RelayStream)
    }

    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: Body
    /// How long the model thinks before the answer begins.
    var delayMilliseconds = 0

    init(status: Int, body: Body) {
        self.status = status
        self.body = body
    }

    static func json(_ document: Document, status: Int = 200) -> SiteAnswer {
        var answer = SiteAnswer(status: status, body: .bytes(document.bytes))
        answer.set("content-type", "application/json; charset=utf-8")
        return answer
    }

    static func html(_ text: String, status: Int = 200) -> SiteAnswer {
        var answer = SiteAnswer(status: status, body: .bytes(Array(text.utf8)))
        answer.set("content-type", "text/html; charset=utf-8")
        return answer
    }

    static func empty(status: Int) -> SiteAnswer {
        SiteAnswer(status: status, body: .bytes([]))
    }

    /// The dashboard's envelope of a success.
    static func success(_ data: Document? = nil, message: String = "") -> SiteAnswer {
        var document: Document = ["success": true, "message": .string(message)]
        if let data { document.set("data", data) }
        return json(document)
    }

    /// The dashboard's envelope of a failure: status 200 unless it is one about who the caller is.
    static func failure(_ message: String, status: Int = 200, code: String? = nil) -> SiteAnswer {
        var document: Document = ["success": false, "message": .string(message)]
        if let code { document.set("code", .string(code)) }
        return json(document, status: status)
    }

    mutating func set(_ name: String, _ value: String) {
        headers.append((name, value))
    }
}
