internal import CPatchbay

/// An answer to a control request.
struct HTTPAnswer: Sendable {
    var status = 0
    /// Names in lower case, in the order received.
    var headers: [(name: [UInt8], value: [UInt8])] = []
    var body: [UInt8] = []
    var finalURL: [UInt8] = []

    /// Shows a result to a plugin as a `pb_http_response` that is valid during `body`.
    static func withRecord<Result>(
        of result: Swift.Result<HTTPAnswer, PluginError>, _ body: (UnsafePointer<pb_http_response>) -> Result
    ) -> Result {
        switch result {
        case .failure(let error):
            var sentence = error.sentence
            return sentence.withUTF8 { text in
                var record = pb_http_response()
                record.size = UInt32(MemoryLayout<pb_http_response>.size)
                record.error_code = error.code.rawValue
                record.error_message = pb_str(UnsafeRawBufferPointer(text))
                return withUnsafePointer(to: &record, body)
            }
        case .success(let answer):
            return answer.withRecord(body)
        }
    }

    private func withRecord<Result>(_ body: (UnsafePointer<pb_http_response>) -> Result) -> Result {
        // One block for all header text, so that the views stay put.
        let text = headers.flatMap { $0.name + $0.value }
        return text.withUnsafeBytes { text in
            var fields: [pb_field] = []
            var position = 0
            for header in headers {
                let name = text[position..<(position + header.name.count)]
                let value = text[name.endIndex..<(name.endIndex + header.value.count)]
                position = value.endIndex
                fields.append(
                    pb_field(
                        name: Self.view(UnsafeRawBufferPointer(rebasing: name)),
                        value: Self.view(UnsafeRawBufferPointer(rebasing: value))))
            }
            return fields.withUnsafeBufferPointer { fields in
                self.body.withUnsafeBytes { content in
                    finalURL.withUnsafeBytes { url in
                        var record = pb_http_response(
                            size: UInt32(MemoryLayout<pb_http_response>.size), error_code: Status.ok,
                            status: UInt32(clamping: status), header_count: UInt32(fields.count),
                            headers: fields.baseAddress, body: Self.view(content), final_url: Self.view(url),
                            error_message: .absent)
                        return withUnsafePointer(to: &record, body)
                    }
                }
            }
        }
    }

    /// An empty text is not an absent one.
    private static func view(_ bytes: UnsafeRawBufferPointer) -> pb_str {
        bytes.baseAddress == nil ? pb_str(ptr: empty.pointer, len: 0) : pb_str(bytes)
    }

    private static let empty = StaticTable<CChar>(0)
}
