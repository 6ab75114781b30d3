import PatchbayCore
import PatchbayStore
import PatchbayWire

/// Puts the contents of files in the places of a request that name them, in the form that the request's own format has
/// for contents. Every other byte stays. Works on the thread of the store, never on an event loop.
struct FileInlining {
    enum Outcome: Sendable {
        /// The bodies with contents in them; nil for one that names no file.
        case bodies([[UInt8]?])
        case refused(GatewayError)
    }

    private let format: WireFormat
    /// Bytes that a body may have.
    private let limit: Int
    private let reader: FileReader
    /// Contents as they have been used, by id.
    private var known: [String: FileContentText] = [:]

    /// - Parameter limit: bytes that a body may have with the contents in it.
    static func outcome(
        _ bodies: [[UInt8]], format: WireFormat, limit: Int, reader: FileReader
    ) throws(StoreError) -> Outcome {
        var inlining = FileInlining(format: format, limit: limit, reader: reader)
        var changed: [[UInt8]?] = []
        for body in bodies {
            do {
                changed.append(try inlining.inlined(body))
            } catch let error as GatewayError {
                return .refused(error)
            } catch let error as StoreError {
                throw error
            } catch {
                // What is no JSON is refused by the scan that every request goes through.
                changed.append(nil)
            }
        }
        return .bodies(changed)
    }

    private init(format: WireFormat, limit: Int, reader: FileReader) {
        self.format = format
        self.limit = limit
        self.reader = reader
    }

    private mutating func inlined(_ body: [UInt8]) throws -> [UInt8]? {
        try body.withUnsafeBytes { raw in
            var tape = JSONTape()
            try tape.parse(raw)
            let references = FileReferences(in: tape, format: format).all
            guard !references.isEmpty else { return nil }
            try checkSize(references, body.count)
            var edits: [FileEdit] = []
            for reference in references {
                let content = try content(of: reference)
                edits += try FileForms.edits(for: reference, content, tape)
            }
            return FileEdit.applied(edits, to: raw)
        }
    }

    /// Known before anything is read.
    private mutating func checkSize(_ references: [FileReferences.Reference], _ bytes: Int) throws {
        var total = bytes
        for reference in references {
            guard let file = try known[reference.id]?.file ?? reader.find(reference.id) else {
                throw GatewayError.fileNotFound(reference.id, parameter: reference.path)
            }
            known[reference.id] = known[reference.id] ?? FileContentText(file: file)
            total += FileContentText.base64Count(file.bytes)
        }
        guard total <= limit else {
            throw GatewayError(
                .tooLarge,
                "with the files that it names the request has \(total) bytes; the limit is \(limit)", status: 413)
        }
    }

    private mutating func content(of reference: FileReferences.Reference) throws -> FileContentText {
        guard var content = known[reference.id] else { throw GatewayError.fileNotFound(reference.id) }
        if content.bytes == nil {
            guard let bytes = try reader.content(of: content.file) else {
                throw GatewayError.fileNotFound(reference.id, parameter: reference.path)
            }
            content.bytes = bytes
            known[reference.id] = content
        }
        return content
    }
}

/// A file with its content.
struct FileContentText {
    let file: StoredFile
    /// Nil = not read yet.
    var bytes: [UInt8]?

    init(file: StoredFile, bytes: [UInt8]? = nil) {
        self.file = file
        self.bytes = bytes
    }

    /// Letters of so many bytes in base64.
    static func base64Count(_ bytes: Int) -> Int { (bytes + 2) / 3 * 4 }

    /// The content in base64 (RFC 4648 section 4), behind what stands in front of it.
    func base64(behind prefix: String = "") -> [UInt8] {
        let bytes = bytes ?? []
        var text = Array(prefix.utf8)
        text.reserveCapacity(text.count + Self.base64Count(bytes.count) + 2)
        let letters: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        var index = 0
        while index < bytes.count {
            let rest = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if rest > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if rest > 2 { group |= UInt32(bytes[index + 2]) }
            text.append(letters.utf8Start[Int(group >> 18)])
            text.append(letters.utf8Start[Int(group >> 12 & 63)])
            text.append(rest > 1 ? letters.utf8Start[Int(group >> 6 & 63)] : UInt8(ascii: "="))
            text.append(rest > 2 ? letters.utf8Start[Int(group & 63)] : UInt8(ascii: "="))
            index += 3
        }
        return text
    }

    /// A string of JSON with the content as a data URL (RFC 2397).
    var dataURL: [UInt8] { base64(behind: "\"data:\(file.type);base64,") + [UInt8(ascii: "\"")] }

    /// A string of JSON with the content in base64.
    var quoted: [UInt8] { base64(behind: "\"") + [UInt8(ascii: "\"")] }
}

/// Other bytes for a range of a document.
struct FileEdit {
    var range: Range<Int>
    var bytes: [UInt8]

    static func applied(_ edits: [FileEdit], to document: UnsafeRawBufferPointer) -> [UInt8] {
        let edits = edits.sorted { $0.range.lowerBound < $1.range.lowerBound }
        var output: [UInt8] = []
        output.reserveCapacity(edits.reduce(document.count) { $0 + $1.bytes.count })
        var position = 0
        for edit in edits {
            // Of a member that is there twice only one is read, so nothing overlaps; if it did, the first counts.
            guard edit.range.lowerBound >= position else { continue }
            output.append(contentsOf: document[position..<edit.range.lowerBound])
            output.append(contentsOf: edit.bytes)
            position = edit.range.upperBound
        }
        output.append(contentsOf: document[position...])
        return output
    }
}
