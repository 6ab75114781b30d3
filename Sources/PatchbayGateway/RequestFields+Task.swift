import NIOCore
import PatchbayWire

extension RequestFields {
    /// A scanner for ``init(task:body:contentType:scanner:)``; to be kept and used again.
    static var taskScanner: JSONFieldScanner {
        JSONFieldScanner(names + ["stream_format"])
    }

    /// The fields of a request beside the conversations: JSON, or a form where the content type says so.
    init(
        task: TaskEndpoint, body: ByteBuffer, contentType: UnsafeRawBufferPointer, scanner: inout JSONFieldScanner
    ) throws(GatewayError) {
        let boundary: [UInt8]?
        do throws(MultipartError) {
            boundary = try MultipartParser.boundary(ofContentType: contentType)
        } catch {
            throw .invalid("the request body cannot be read: \(error.message)")
        }
        guard let boundary else {
            try self.init(scanning: body, with: &scanner, defaultModel: task.defaultModel)
            if task == .speech, let format = scanner[Self.names.count], format.kind == .string {
                stream = body.withUnsafeReadableBytes { format.rawString(in: $0)?.equals("sse") ?? false }
            }
            return
        }
        try self.init(form: body, boundary: boundary, defaultModel: task.defaultModel)
    }

    private init(form body: ByteBuffer, boundary: [UInt8], defaultModel: String?) throws(GatewayError) {
        self.init()
        do throws(FormFieldsError) {
            let form = try body.withUnsafeReadableBytes { bytes throws(FormFieldsError) in
                try FormFields(scanning: bytes, boundary: boundary)
            }
            self.form = form
            stream = form.stream
            guard let range = form.model else {
                guard let defaultModel else { throw .field("model", "is missing") }
                model = defaultModel
                return
            }
            model = body.getString(at: body.readerIndex + range.lowerBound, length: range.count) ?? ""
        } catch {
            switch error {
            case .malformed(let cause):
                throw .invalid("the request body is no form: \(cause.message) (at byte \(cause.offset))")
            case .field(let name, let rule): throw .invalid("\"\(name)\" \(rule)", parameter: name)
            }
        }
    }
}
