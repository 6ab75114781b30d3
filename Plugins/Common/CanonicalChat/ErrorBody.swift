package import PatchbayWire

/// What an upstream says about a failure, in whichever of the many shapes it says it.
package struct ErrorBody: Sendable, Hashable {
    package var message = ""
    package var code: String?
    package var type: String?
    package var param: String?
    package var requestID: String?
    package var retryAfterMilliseconds: Int?
    /// The body is no JSON: a page of a proxy, or plain text.
    package var isForeign = false

    package init() {}

    /// Reads an error answer of any shape; never fails.
    package init(_ bytes: UnsafeRawBufferPointer) {
        self.init()
        guard let document = try? JSONValue(parsing: bytes) else {
            isForeign = true
            message = Self.excerpt(bytes)
            return
        }
        self = ErrorBody(document)
    }

    package init(_ document: JSONValue) {
        self.init()
        // Google's compatible surface wraps the object into an array.
        let root = document.arrayValue?.first ?? document
        requestID = root["request_id"]?.stringValue
        switch root["error"]?.nonNull {
        case .string(let text)?:
            message = text
            read(codeOf: root)
        case .object?:
            readNested(root["error"] ?? .null)
        default:
            readFlat(root)
        }
        message = Redaction.redacted(Self.bounded(message))
        retryAfterMilliseconds = RetryHint.milliseconds(in: message)
    }

    private mutating func readNested(_ error: JSONValue) {
        message = error["message"]?.stringValue ?? error["msg"]?.stringValue ?? ""
        if message.isEmpty { message = error["metadata"]?["raw"]?.stringValue ?? error.description }
        read(codeOf: error)
        type = error["type"]?.stringValue ?? error["status"]?.stringValue
        param = error["param"]?.stringValue
        if let inner = error["details"]?["error_code"]?.stringValue { code = code ?? inner }
    }

    private mutating func readFlat(_ root: JSONValue) {
        read(codeOf: root)
        type = root["type"]?.stringValue
        param = root["param"]?.stringValue
        if let text = root["message"]?.stringValue ?? root["msg"]?.stringValue ?? root.stringValue {
            message = text
        } else if let text = root["detail"]?.stringValue {
            message = text
        } else if let first = root["detail"]?.arrayValue?.first {
            message = first["msg"]?.stringValue ?? first.description
            param = first["loc"]?.arrayValue?.compactMap { $0.stringValue ?? $0.intValue.map(String.init) }
                .joined(separator: ".")
        } else if let text = root["errors"]?.arrayValue?.first?["message"]?.stringValue ?? root["title"]?.stringValue {
            message = text
        } else {
            message = String(root.description.prefix(500))
        }
    }

    private mutating func read(codeOf error: JSONValue) {
        code = error["code"]?.stringValue ?? error["code"]?.intValue.map(String.init)
    }

    /// Texts of upstreams are shown and searched, so they have a bound.
    private static func bounded(_ text: String) -> String {
        text.utf8.count <= 4096 ? text : String(decoding: text.utf8.prefix(4096), as: UTF8.self)
    }

    private static func excerpt(_ bytes: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: bytes.prefix(2048), as: UTF8.self)
        let isPage = text.contains("<html") || text.contains("<HTML") || text.contains("<!DOCTYPE")
        if isPage {
            guard let from = text.range(of: "<title>"), let to = text.range(of: "</title>", after: from.upperBound)
            else { return "the upstream answered with an HTML page" }
            return "the upstream answered with an HTML page: \(text[from.upperBound..<to.lowerBound])"
        }
        let line = text.split(whereSeparator: { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }).first.map(String.init) ?? ""
        return Redaction.redacted(String(line.prefix(500)))
    }
}

extension String {
    /// The first occurrence of `needle`, as bytes.
    package func range(of needle: String, after start: String.Index? = nil) -> Range<String.Index>? {
        let wanted = Array(needle.utf8)
        guard !wanted.isEmpty else { return nil }
        var index = start ?? startIndex
        let bytes = utf8
        while index < bytes.endIndex {
            if bytes[index...].starts(with: wanted) {
                return index..<bytes.index(index, offsetBy: wanted.count)
            }
            index = bytes.index(after: index)
        }
        return nil
    }
}

/// Finds how long an upstream asks to wait, in the text of its message.
package enum RetryHint {
    /// Milliseconds of phrases such as "try again in 20s" or "retry after 3 seconds".
    package static func milliseconds(in message: String) -> Int? {
        let lower = message.lowercased()
        for phrase in ["try again in ", "retry after ", "retry in "] {
            guard let found = lower.range(of: phrase) else { continue }
            let rest = lower[found.upperBound...]
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let value = Double(digits), value < 1_000_000 else { continue }
            let unit = rest[digits.endIndex...].drop { $0 == " " }
            if unit.hasPrefix("ms") || unit.hasPrefix("milli") { return Int(value) }
            if unit.hasPrefix("m") { return Int(value * 60_000) }
            if unit.hasPrefix("h") { return Int(value * 3_600_000) }
            return Int(value * 1000)
        }
        return nil
    }
}

/// Takes credentials out of texts that came from outside.
package enum Redaction {
    private static let marks = ["sk-", "AIza", "Bearer "]

    /// The text with everything that looks like a key replaced.
    package static func redacted(_ text: String) -> String {
        var result = text
        for mark in marks {
            var from = result.startIndex
            while let found = result.range(of: mark, after: from) {
                let secret = result[found.upperBound...].prefix { character in
                    character.isASCII && (character.isLetter || character.isNumber || "-_.*/+=".contains(character))
                }
                guard secret.utf8.count >= 8 else {
                    from = found.upperBound
                    continue
                }
                let offset = result.utf8.distance(from: result.startIndex, to: found.upperBound)
                result.replaceSubrange(found.upperBound..<secret.endIndex, with: "[redacted]")
                from = result.utf8.index(result.startIndex, offsetBy: offset + 10)
            }
        }
        return result
    }
}
