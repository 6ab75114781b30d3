/// The headers of one part of a multipart body.
package struct MultipartPart: Sendable, Hashable {
    /// Name of the form field, with backslash escapes undone.
    package private(set) var name = ""
    /// The name as it stands between its quotes has escapes or percent signs, so that other readers may read another.
    package private(set) var nameIsAmbiguous = false
    /// nil = the part is no file.
    package private(set) var filename: String?
    package private(set) var contentType: String?
    /// Lower case; nil = the part does not say.
    package private(set) var transferEncoding: String?
    private(set) var hasName = false
    var headerBytes = 0

    package init() {}

    /// Takes one header line without its line end; false if it is malformed. Folded lines are (RFC 9112 section 5.2).
    mutating func take(line: [UInt8]) -> Bool {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            line[..<colon].allSatisfy(HTTPCharacters.token.contains), !line.contains(0), !line.contains(0x0d)
        else { return false }
        let value = MultipartPart.trimmed(line[(colon + 1)...])
        switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
        case "content-disposition": return takeDisposition(value)
        case "content-type":
            guard contentType == nil else { return false }
            contentType = String(decoding: value, as: UTF8.self)
        case "content-transfer-encoding":
            guard transferEncoding == nil else { return false }
            transferEncoding = String(decoding: value, as: UTF8.self).lowercased()
        default: break
        }
        return true
    }

    /// `form-data; name="…"; filename="…"`. A second name is refused, and `name*`, which RFC 7578 does not know and
    /// some readers take for `name`.
    private mutating func takeDisposition(_ value: ArraySlice<UInt8>) -> Bool {
        guard !hasName, var parameters = HeaderParameters(value), parameters.value == "form-data" else { return false }
        while let parameter = parameters.next() {
            switch parameter.name {
            case "name":
                guard !hasName else { return false }
                hasName = true
                name = parameter.value
                nameIsAmbiguous = parameter.hasEscapes || name.utf8.contains(UInt8(ascii: "%"))
            case "filename":
                guard filename == nil else { return false }
                filename = parameter.value
            case "name*": return false
            default: break
            }
        }
        return !parameters.isMalformed
    }

    private static func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var value = value
        while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
        return value
    }
}

/// The parameters behind a header value: `value; name=token; name="quoted \"text\""`.
struct HeaderParameters {
    struct Parameter {
        /// Lower case.
        var name: String
        var value: String
        var hasEscapes: Bool
    }

    /// What stands in front of the parameters, in lower case.
    private(set) var value: String
    private(set) var isMalformed = false
    private var rest: ArraySlice<UInt8>

    /// nil if nothing stands in front of the parameters.
    init?(_ header: ArraySlice<UInt8>) {
        let value = header.prefix { $0 != UInt8(ascii: ";") }
        rest = header.dropFirst(value.count)
        self.value = String(decoding: value, as: UTF8.self).lowercased()
        while self.value.utf8.last == 0x20 || self.value.utf8.last == 0x09 { self.value.removeLast() }
        guard !self.value.isEmpty else { return nil }
    }

    /// The next parameter; nil at the end, and if the rest is malformed.
    mutating func next() -> Parameter? {
        skipBlanks()
        guard rest.first == UInt8(ascii: ";") else {
            isMalformed = isMalformed || !rest.isEmpty
            return nil
        }
        rest.removeFirst()
        skipBlanks()
        // A semicolon at the end means nothing.
        if rest.isEmpty { return nil }
        let name = rest.prefix(while: HTTPCharacters.token.contains)
        rest = rest.dropFirst(name.count)
        guard !name.isEmpty, rest.first == UInt8(ascii: "=") else { return malformed() }
        rest.removeFirst()
        let key = String(decoding: name, as: UTF8.self).lowercased()
        if rest.first == UInt8(ascii: "\"") { return quoted(key) }
        let token = rest.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
        rest = rest.dropFirst(token.count)
        guard !token.isEmpty, !token.contains(UInt8(ascii: "\"")) else { return malformed() }
        return Parameter(name: key, value: String(decoding: token, as: UTF8.self), hasEscapes: false)
    }

    private mutating func quoted(_ key: String) -> Parameter? {
        rest.removeFirst()
        var text: [UInt8] = []
        var hasEscapes = false
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") {
                return Parameter(name: key, value: String(decoding: text, as: UTF8.self), hasEscapes: hasEscapes)
            }
            // Only quotes and backslashes are escaped: file names of Windows hold lone backslashes.
            if byte == UInt8(ascii: "\\"), let next = rest.first, next == UInt8(ascii: "\"") || next == byte {
                hasEscapes = true
                text.append(next)
                rest.removeFirst()
            } else {
                if byte == UInt8(ascii: "\\") { hasEscapes = true }
                text.append(byte)
            }
        }
        return malformed()
    }

    private mutating func malformed() -> Parameter? {
        isMalformed = true
        rest = []
        return nil
    }

    private mutating func skipBlanks() {
        while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
    }
}
