import NIOCore
import Testing

@testable import PatchbayGateway

@Suite struct RequestFieldsTests {
    private func fields(_ body: String) throws(GatewayError) -> RequestFields {
        var scanner = RequestFields.scanner
        var fields = try RequestFields(scanning: ByteBuffer(string: body), with: &scanner)
        fields.readModel(of: ByteBuffer(string: body))
        return fields
    }

    private func modelBytes(_ body: String) throws -> String {
        let buffer = ByteBuffer(string: body)
        return try fields(body).withModelBytes(of: buffer) { String(decoding: $0, as: UTF8.self) }
    }

    @Test func modelAndStreamAreFoundAnywhere() throws {
        let fields = try fields(
            #" {"messages":[{"model":"inner","stream":true}] , "model" : "m-1" , "stream" : true } "#)
        #expect(fields.model == "m-1")
        #expect(fields.stream)
    }

    @Test(arguments: ["null", "false"])
    func noStream(value: String) throws {
        #expect(try !fields(#"{"model":"m","stream":\#(value)}"#).stream)
    }

    /// E-110
    @Test func theLastOfSeveralModelsCounts() throws {
        #expect(try fields(#"{"model":"first","model":"last"}"#).model == "last")
        #expect(try modelBytes(#"{"model":"first","model":"last"}"#) == "last")
    }

    @Test func escapesInTheNameAreResolved() throws {
        #expect(try modelBytes(#"{"model":"g\u0070t\/4"}"#) == "gpt/4")
        #expect(try modelBytes(#"{"model":"modèle"}"#) == "modèle")
    }

    @Test(arguments: [
        (#"{}"#, "model"), (#"{"model":null}"#, "model"), (#"{"model":7}"#, "model"), (#"{"model":""}"#, "model"),
        (#"{"model":["m"]}"#, "model"), (#"{"model":"m","stream":"true"}"#, "stream"),
        (#"{"model":"m","stream":1}"#, "stream"),
        (#"{"model":"m","stream_options":[]}"#, "stream_options"),
        (#"{"model":"m","stream_options":"usage"}"#, "stream_options"),
    ])
    func aWrongFieldIsNamed(body: String, name: String) {
        let error = #expect(throws: GatewayError.self) { try fields(body) }
        #expect(error?.status == 400)
        #expect(error?.parameter == name)
        #expect(error?.sentence.contains("\"\(name)\"") == true)
    }

    @Test func aLongNameIsRefused() throws {
        #expect(try fields(#"{"model":"\#(String(repeating: "m", count: 512))"}"#).model.utf8.count == 512)
        #expect(throws: GatewayError.self) { try fields(#"{"model":"\#(String(repeating: "m", count: 513))"}"#) }
    }

    @Test(arguments: [
        "", " ", "{", "[]", "null", "\"model\"", #"{"model":"m"}x"#, #"{"model":"m",}"#, #"{model:"m"}"#, "\u{FEFF}{}",
    ])
    func whatIsNoObjectIsRefused(body: String) {
        let error = #expect(throws: GatewayError.self) { try fields(body) }
        #expect(error?.status == 400)
        #expect(error?.code == .invalidRequest)
    }

    @Test func aScannerForgetsTheRequestBefore() throws {
        var scanner = RequestFields.scanner
        let first = try RequestFields(
            scanning: ByteBuffer(string: #"{"model":"m","stream":true,"stream_options":{}}"#), with: &scanner)
        #expect(first.stream && first.streamOptions != nil)
        let second = try RequestFields(scanning: ByteBuffer(string: #"{"model":"n"}"#), with: &scanner)
        #expect(!second.stream && second.streamOptions == nil)
        #expect(throws: GatewayError.self) {
            try RequestFields(scanning: ByteBuffer(string: "{}"), with: &scanner)
        }
    }
}
