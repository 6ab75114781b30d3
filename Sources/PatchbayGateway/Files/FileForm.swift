import PatchbayStore
import PatchbayWire

/// An upload: what a body of `multipart/form-data` says of a file, and where its content stands.
struct FileForm {
    /// The content of the part `file`.
    private(set) var content = 0..<0
    private(set) var name = ""
    private(set) var type = ""
    private(set) var purpose: String?
    /// Seconds until the file shall be gone.
    private(set) var expiresAfter: Int?

    /// OpenAI's, all of them kept alike.
    private static let purposes = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
    private static let longestField = 512

    /// What fields of the form may say how long a file lives: name, shortest and longest time in seconds.
    private static let lifetimes: [(name: String, seconds: ClosedRange<Int>)] = [
        ("expires_after[seconds]", 3_600...2_592_000), ("expires_in_seconds", 3_600...7_776_000),
    ]

    /// - Parameter needsPurpose: OpenAI's API demands one, Anthropic's knows none.
    init(
        scanning body: UnsafeRawBufferPointer, boundary: [UInt8], needsPurpose: Bool
    ) throws(GatewayError) {
        var parts = Parts(body)
        do throws(MultipartError) {
            var parser = MultipartParser(boundary: boundary)
            var position = 0
            while let event = try parser.next(in: body, at: &position) { parts.take(event, parser.part) }
            try parser.finish()
        } catch {
            throw .invalid("the request body is not a form: \(error.message) at byte \(error.offset)")
        }
        if let problem = parts.problem { throw problem }
        guard let file = parts.file else { throw .invalid("\"file\" is missing", parameter: "file") }
        content = file.content
        guard !content.isEmpty else { throw .invalid("\"file\" is empty", parameter: "file") }
        name = FileName.cleaned(file.part.filename ?? "")
        type = FileType.of(
            declared: file.part.contentType, name: name, content: UnsafeRawBufferPointer(rebasing: body[content]))
        if name.isEmpty { name = "unnamed" }
        try readFields(parts.fields, needsPurpose: needsPurpose)
    }

    private mutating func readFields(
        _ fields: [(name: String, value: String)], needsPurpose: Bool
    ) throws(GatewayError) {
        for (name, value) in fields {
            if name == "purpose" {
                guard Self.purposes.contains(value) else {
                    let known = Self.purposes.joined(separator: ", ")
                    throw .invalid("\"purpose\" has to be one of \(known)", parameter: "purpose")
                }
                purpose = value
            } else if name == "expires_after[anchor]", value != "created_at" {
                throw .invalid("\"expires_after[anchor]\" has to be created_at", parameter: name)
            } else if let (_, range) = Self.lifetimes.first(where: { $0.name == name }) {
                guard let seconds = Int(value), range.contains(seconds) else {
                    throw .invalid(
                        "\"\(name)\" has to be from \(range.lowerBound) to \(range.upperBound)", parameter: name)
                }
                expiresAfter = seconds
            }
        }
        if needsPurpose, purpose == nil { throw .invalid("\"purpose\" is missing", parameter: "purpose") }
    }

    /// What is known while the parts go by.
    private struct Parts {
        let body: UnsafeRawBufferPointer
        var file: (part: MultipartPart, content: Range<Int>)?
        var fields: [(name: String, value: String)] = []
        var problem: GatewayError?
        private var part = MultipartPart()
        private var content: Range<Int>?

        init(_ body: UnsafeRawBufferPointer) { self.body = body }

        mutating func take(_ event: MultipartParser.Event, _ current: MultipartPart) {
            switch event {
            case .partBegan:
                part = current
                content = nil
            case .data(let range): content = (content?.lowerBound ?? range.lowerBound)..<range.upperBound
            case .partEnded: end()
            case .ended: break
            }
        }

        private mutating func end() {
            let isFile = part.name == "file"
            let content = content ?? 0..<0
            if part.nameIsAmbiguous {
                note("\"\(part.name)\" is a name with escapes; write it plainly")
            } else if isFile ? file != nil : fields.contains(where: { $0.name == part.name }) {
                note("\"\(part.name)\" is there twice")
            } else if let coding = part.transferEncoding, !["7bit", "8bit", "binary"].contains(coding) {
                note("\"\(part.name)\" must not have a transfer encoding")
            } else if isFile {
                file = (part, content)
            } else if content.count > FileForm.longestField {
                note("\"\(part.name)\" is longer than \(FileForm.longestField) bytes")
            } else {
                fields.append((part.name, String(decoding: body[content], as: UTF8.self)))
            }
        }

        private mutating func note(_ sentence: String) {
            problem = problem ?? .invalid(sentence, parameter: String(part.name.prefix(64)))
        }
    }
}

/// Names of files, which come from clients and go into headers and other systems.
enum FileName {
    /// The last component without control characters, at most 255 bytes.
    static func cleaned(_ name: String) -> String {
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        var kept = ""
        for scalar in last.unicodeScalars where scalar.value >= 0x20 && scalar.value != 0x7f {
            guard kept.utf8.count + UTF8.width(scalar) <= 255 else { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept == "." || kept == ".." ? "" : kept
    }

    /// The value of a `content-disposition` that saves a file under a name (RFC 6266 section 4).
    static func disposition(_ name: String) -> String {
        var plain = ""
        var encoded = ""
        for byte in name.utf8 {
            let isPlain = (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            plain.unicodeScalars.append(isPlain ? Unicode.Scalar(byte) : "_")
            let isUnreserved =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || ".-_".utf8.contains(byte)
            if isUnreserved {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }
}
extension UTF8 {
    /// Bytes of a scalar.
    fileprivate static func width(_ scalar: Unicode.Scalar) -> Int { String(scalar).utf8.count }
}
