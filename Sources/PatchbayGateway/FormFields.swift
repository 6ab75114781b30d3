import NIOCore
import PatchbayWire

/// Where the parts that routing needs stand in a body of `multipart/form-data`. Contents are not copied.
struct FormFields {
    /// The content of the part `model`; nil = there is none.
    private(set) var model: Range<Int>?
    private(set) var stream = false
    /// Where a part may be put in front of all others.
    private(set) var firstDelimiter = 0
    private(set) var boundary: [UInt8]

    /// - Throws: ``FormFieldsError``, for what the client can mend.
    init(scanning body: UnsafeRawBufferPointer, boundary: [UInt8]) throws(FormFieldsError) {
        self.boundary = boundary
        var parser = MultipartParser(boundary: boundary)
        var scan = Scan()
        do throws(MultipartError) {
            var position = 0
            while let event = try parser.next(in: body, at: &position) {
                switch event {
                case .partBegan: scan.begin(parser.part)
                case .data(let range): scan.content = (scan.content?.lowerBound ?? range.lowerBound)..<range.upperBound
                case .partEnded: scan.end()
                case .ended: break
                }
            }
            try parser.finish()
        } catch {
            throw .malformed(error)
        }
        if let problem = scan.problem { throw problem }
        firstDelimiter = parser.firstDelimiter ?? 0
        model = scan.model
        if let range = scan.stream {
            let text = UnsafeRawBufferPointer(rebasing: body[range])
            // Clients in Python write their own word for it.
            stream = text.equals("true") || text.equals("True") || text.equals("1")
        }
    }

    /// What is known while the parts go by.
    private struct Scan {
        var model: Range<Int>?
        var stream: Range<Int>?
        var content: Range<Int>?
        var problem: FormFieldsError?
        private var name = ""

        mutating func begin(_ part: MultipartPart) {
            name = part.name
            content = nil
            if part.nameIsAmbiguous {
                problem = problem ?? .field(name, "is a name with escapes; write it plainly")
            } else if name == "model" || name == "stream" {
                if part.filename != nil { problem = problem ?? .field(name, "has to be a field, not a file") }
                if let coding = part.transferEncoding, coding != "7bit", coding != "8bit", coding != "binary" {
                    problem = problem ?? .field(name, "must not have a transfer encoding")
                }
            }
        }

        mutating func end() {
            switch name {
            case "model": model = kept(model)
            case "stream": stream = kept(stream)
            default: break
            }
        }

        /// Readers differ in which of two equal names they take, so there may be one only.
        private mutating func kept(_ known: Range<Int>?) -> Range<Int>? {
            if known != nil {
                problem = problem ?? .field(name, "is there twice")
            } else if content == nil {
                problem = problem ?? .field(name, "is empty")
            } else if let content, content.count > 512 {
                problem = problem ?? .field(name, "is longer than 512 bytes")
            }
            return content
        }
    }
}

enum FormFieldsError: Error {
    case malformed(MultipartError)
    case field(String, String)
}

extension FormFields {
    /// The body with another model name, as pieces that share its memory. Every other byte stays as it is.
    func renaming(_ body: ByteBuffer, to model: String) -> [ByteBuffer] {
        let start = body.readerIndex
        var name: ByteBuffer
        let cut: Range<Int>
        if let range = self.model {
            name = ByteBuffer(string: model)
            cut = range
        } else {
            name = ByteBuffer(bytes: "--".utf8)
            name.writeBytes(boundary)
            name.writeString("\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n\(model)\r\n")
            cut = firstDelimiter..<firstDelimiter
        }
        let pieces = [
            body.getSlice(at: start, length: cut.lowerBound), name,
            body.getSlice(at: start + cut.upperBound, length: body.readableBytes - cut.upperBound),
        ]
        return pieces.compactMap { $0 }.filter { $0.readableBytes > 0 }
    }
}
