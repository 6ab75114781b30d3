import NIOCore
import Testing

@testable import PatchbayGateway

@Suite struct TaskRequestTests {
    private func fields(
        _ body: String, task: TaskEndpoint = .transcriptions, type: String = "multipart/form-data; boundary=XX"
    ) throws(GatewayError) -> RequestFields {
        var scanner = RequestFields.taskScanner
        var failure: GatewayError?
        let fields = Array(type.utf8).withUnsafeBytes { bytes -> RequestFields? in
            do throws(GatewayError) {
                return try RequestFields(
                    task: task, body: ByteBuffer(string: body), contentType: bytes, scanner: &scanner)
            } catch {
                failure = error
                return nil
            }
        }
        if let failure { throw failure }
        return fields ?? RequestFields()
    }

    private func form(_ parts: (String, String)...) -> String {
        parts.map { "--XX\r\nContent-Disposition: form-data; name=\"\($0.0)\"\r\n\r\n\($0.1)\r\n" }.joined() + "--XX--"
    }

    @Test func theModelOfAFormIsFoundWhereverItStands() throws {
        let fields = try fields(form(("file", "\r\n--X"), ("model", "whisper-1"), ("stream", "True")))
        #expect(fields.model == "whisper-1")
        #expect(fields.stream)
    }

    /// E-112
    @Test func anotherNameChangesNothingElse() throws {
        let text = form(("file", "sound"), ("model", "whisper-1"), ("prompt", "model"))
        let body = ByteBuffer(string: text)
        let form = try #require(try fields(text).form)
        let sent = form.renaming(body, to: "large-v3").reduce(into: "") { $0 += String(buffer: $1) }
        #expect(sent == self.form(("file", "sound"), ("model", "large-v3"), ("prompt", "model")))
    }

    @Test func aFormWithoutAModelGetsOneInFront() throws {
        let text = "preamble\r\n" + form(("image", "png"))
        let found = try fields(text, task: .imageVariations)
        #expect(found.model == "dall-e-2")
        let pieces = try #require(found.form).renaming(ByteBuffer(string: text), to: "painter")
        let sent = pieces.reduce(into: "") { $0 += String(buffer: $1) }
        #expect(sent == "preamble\r\n" + form(("model", "painter"), ("image", "png")))
        #expect(try fields(sent).model == "painter")
    }

    @Test(arguments: [
        ("--XX--", "\"model\" is missing"), ("--XX", "ends before its closing boundary"),
        ("--XX\r\nContent-Disposition: form-data; name=model; filename=a\r\n\r\nm\r\n--XX--", "not a file"),
        (
            "--XX\r\nContent-Disposition: form-data; name=model\r\nContent-Transfer-Encoding: base64\r\n\r\nbQ==\r\n--XX--",
            "transfer encoding"
        ),
    ])
    func formsThatCannotBeReadAreRefused(body: String, sentence: String) {
        #expect {
            try fields(body)
        } throws: { ($0 as? GatewayError)?.sentence.contains(sentence) == true }
    }

    @Test func jsonTasksReadTheirOwnMembers() throws {
        let json = "application/json"
        #expect(try fields(#"{"input":"x"}"#, task: .moderations, type: json).model == "omni-moderation-latest")
        #expect(try fields(#"{"model":"m","stream_format":"sse"}"#, task: .speech, type: json).stream)
        #expect(try !fields(#"{"model":"m","stream_format":"audio"}"#, task: .speech, type: json).stream)
        #expect(try !fields(#"{"model":"m","stream_format":"sse"}"#, task: .embeddings, type: json).stream)
        #expect(throws: GatewayError.self) { try fields(#"{"input":"x"}"#, task: .embeddings, type: json) }
    }
}
