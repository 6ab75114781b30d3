import PatchbayCore
import PatchbayStore
import PatchbayWire

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Where a request names files of the gateway: only places that its format has for that. The same words in a text, or
/// in the arguments of a tool, mean nothing.
struct FileReferences {
    /// A place, with the tokens that are to be replaced.
    struct Reference {
        enum Place {
            /// `file` of a part of Chat Completions.
            case chat(part: JSONIndex, file: JSONIndex)
            /// `file_id` of an `input_file` or `input_image` of Responses.
            case responses(part: JSONIndex, id: JSONIndex, isImage: Bool)
            /// `source` of a block of Messages.
            case messages(source: JSONIndex, isImage: Bool)
            /// `fileData` of a part of Gemini.
            case gemini(key: JSONIndex, data: JSONIndex)
            /// A place that only the provider's own files fit in.
            case unusable
        }

        var id: String
        var place: Place
        /// The way to the id, for people.
        var path: String
    }

    private(set) var all: [Reference] = []
    private let tape: JSONTape

    /// Whether the bytes have the beginning of an id anywhere: one fast pass that spares almost every request the rest.
    static func mayBe(in body: UnsafeRawBufferPointer) -> Bool {
        guard var place = body.baseAddress else { return false }
        var rest = body.count
        let prefix: StaticString = "file-pb-"
        let count = prefix.utf8CodeUnitCount
        // The rarest letter of the prefix in such bodies is looked for, then the whole.
        while rest >= count, let found = memchr(place + 5, Int32(UInt8(ascii: "p")), rest - count + 1) {
            let start = UnsafeRawPointer(found) - 5
            if memcmp(start, prefix.utf8Start, count) == 0 { return true }
            rest -= start + 1 - place
            place = start + 1
        }
        return hasEscapedLetters(body)
    }

    /// Whether a letter of the prefix is written as an escape, such as `\u002d`, which no writer of JSON does without
    /// intent.
    private static func hasEscapedLetters(_ body: UnsafeRawBufferPointer) -> Bool {
        guard var place = body.baseAddress else { return false }
        let end = place + body.count
        while end - place >= 6, let found = memchr(place, Int32(UInt8(ascii: "\\")), end - place - 5) {
            let start = UnsafeRawPointer(found)
            // What is escaped itself begins no escape.
            place = start + 2
            let digits = UnsafeRawBufferPointer(start: start + 1, count: 5)
            guard digits.hasPrefix("u00"), let high = hexadecimal(digits[3]), let low = hexadecimal(digits[4]) else {
                continue
            }
            if "file-pb-".utf8.contains(high << 4 | low) { return true }
        }
        return false
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - 55
        default: nil
        }
    }

    /// - Parameter tape: of the body, which has to stay where it is while this is used.
    init(in tape: JSONTape, format: WireFormat) {
        self.tape = tape
        switch format {
        case .openAIChat:
            readChat()
            // Some clients send the body of Responses to this path.
            if tape.present(tape.root, named: "messages") == nil { readResponses() }
        case .anthropicMessages: readMessages()
        case .openAIResponses: readResponses()
        default: readGemini()
        }
    }

    // MARK: - Formats

    private mutating func readChat() {
        each("messages", of: tape.root, "") { references, message, path in
            references.each("content", of: message, path) { references, part, path in
                guard let file = references.tape.present(part, named: "file") else { return }
                references.note("file_id", of: file, path + ".file") { .chat(part: part, file: file) }
            }
        }
    }

    private mutating func readResponses() {
        each("input", of: tape.root, "") { references, item, path in
            for name in ["content", "output"] as [StaticString] {
                references.each(name, of: item, path) { references, part, path in references.readPart(part, path) }
            }
        }
    }

    private mutating func readPart(_ part: JSONIndex, _ path: String) {
        guard let type = tape.present(part, named: "type"), let id = tape.present(part, named: "file_id") else {
            return
        }
        let isImage = tape.equals(type, "input_image")
        guard isImage || tape.equals(type, "input_file") else { return }
        note("file_id", of: part, path) { .responses(part: part, id: id, isImage: isImage) }
    }

    private mutating func readMessages() {
        each("messages", of: tape.root, "") { references, message, path in
            references.each("content", of: message, path) { references, block, path in
                references.readBlock(block, path, depth: 0)
            }
        }
    }

    /// A block, and those inside of it: results of tools and documents are made of blocks.
    private mutating func readBlock(_ block: JSONIndex, _ path: String, depth: Int) {
        guard depth < 3, let type = tape.present(block, named: "type") else { return }
        if tape.equals(type, "tool_result") {
            each("content", of: block, path) { $0.readBlock($1, $2, depth: depth + 1) }
        } else if tape.equals(type, "container_upload") {
            note("file_id", of: block, path) { .unusable }
        } else if let source = tape.present(block, named: "source") {
            let isImage = tape.equals(type, "image")
            guard isImage || tape.equals(type, "document") else { return }
            note("file_id", of: source, path + ".source") { .messages(source: source, isImage: isImage) }
            each("content", of: source, path + ".source") { $0.readBlock($1, $2, depth: depth + 1) }
        }
    }

    private mutating func readGemini() {
        readContents(of: tape.root, "")
        if let inner = tape.present(tape.root, named: "generateContentRequest") {
            readContents(of: inner, "generateContentRequest.")
        }
    }

    private mutating func readContents(of request: JSONIndex, _ path: String) {
        each("contents", of: request, path) { references, content, path in
            references.each("parts", of: content, path) { references, part, path in
                let tape = references.tape
                for member in tape.members(of: part) {
                    guard tape.equals(member.key, "fileData") || tape.equals(member.key, "file_data") else { continue }
                    for name in ["fileUri", "file_uri"] as [StaticString] {
                        references.note(name, of: member.value, path + ".fileData") {
                            .gemini(key: member.key, data: member.value)
                        }
                    }
                }
            }
        }
    }

    // MARK: - Steps

    private mutating func each(
        _ name: StaticString, of object: JSONIndex, _ path: String,
        _ body: (inout FileReferences, JSONIndex, String) -> Void
    ) {
        guard let list = tape.present(object, named: name), tape.kind(list) == .array else { return }
        let prefix = path.isEmpty || path.hasSuffix(".") ? path : path + "."
        for (index, element) in tape.elements(of: list).enumerated() {
            body(&self, element, "\(prefix)\(name)[\(index)]")
        }
    }

    private mutating func note(
        _ name: StaticString, of object: JSONIndex, _ path: String, _ place: () -> Reference.Place
    ) {
        guard let value = tape.present(object, named: name), let text = tape.string(value),
            let id = Self.id(in: text)
        else { return }
        all.append(Reference(id: id, place: place(), path: "\(path).\(name)"))
    }

    /// The id that a text is, or that the last component of an address is; nil if it is none of the gateway.
    private static func id(in text: String) -> String? {
        let last = text.split(separator: "/").last.map(String.init) ?? ""
        guard last.utf8.count == FileStore.idBytes, last.hasPrefix(FileStore.idPrefix) else { return nil }
        let digits = last.utf8.dropFirst(FileStore.idPrefix.utf8.count)
        let isHexadecimal = digits.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        return isHexadecimal ? last : nil
    }
}
