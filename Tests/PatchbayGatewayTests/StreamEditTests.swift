import PatchbayHost
import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite struct StreamEditTests {
    private func isUsageOnly(_ data: String) -> Bool {
        Array(data.utf8).withUnsafeBytes { StreamEdit.isUsageOnly($0) }
    }

    private func withFrame<Result>(_ text: String, _ body: (SSEFrame) -> Result) throws -> Result {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBytes { chunk in
            var splitter = SSEFrameSplitter()
            var position = 0
            return body(try #require(try splitter.next(in: chunk, at: &position)))
        }
    }

    private func renamed(_ text: String) throws -> String? {
        try withFrame(text) { frame in
            var output: [UInt8] = []
            guard StreamEdit.appendRenamed(frame, to: "alias \"1\"", into: &output) else { return nil }
            return String(decoding: output, as: UTF8.self)
        }
    }

    @Test(arguments: [
        #"{"choices":[],"usage":{"total_tokens":1}}"#, #"{"id":"x","usage":{},"choices":[ ]}"#,
    ])
    func aChunkWithNothingButUsage(data: String) {
        #expect(isUsageOnly(data))
    }

    @Test(arguments: [
        #"{"choices":[{}],"usage":{}}"#, #"{"choices":[],"usage":null}"#, #"{"choices":[]}"#, #"{"usage":{}}"#,
        #"{"choices":[],"prompt_filter_results":[]}"#, "[DONE]", "", #"{"choices":[],"usage":{"#,
    ])
    func otherChunksStay(data: String) {
        #expect(!isUsageOnly(data))
    }

    @Test func theModelOfAResponseIsReplaced() throws {
        #expect(
            try renamed(
                "event: response.created\ndata: {\"type\":\"x\",\"response\":{\"id\":1.0,\"model\":\"up\"}}\n\n")
                == "event: response.created\ndata: {\"type\":\"x\",\"response\":{\"id\":1.0,\"model\":\"alias \\\"1\\\"\"}}\n\n"
        )
        #expect(try renamed("data: {\"type\":\"x\",\"response\":{\"id\":1}}\n\n") == nil)
    }

    @Test func theModelIsReplacedAndNothingElse() throws {
        #expect(
            try renamed("data: {\"id\": 1.0, \"model\": \"up\" ,\"model2\":\"up\"}\n\n")
                == "data: {\"id\": 1.0, \"model\": \"alias \\\"1\\\"\" ,\"model2\":\"up\"}\n\n")
    }

    @Test func theModelOfAMessageIsReplaced() throws {
        let frame =
            "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":1,\"model\":\"up\"}}\r\n\r\n"
        #expect(
            try renamed(frame)
                == "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":1,\"model\":\"alias \\\"1\\\"\"}}\n\n"
        )
    }

    @Test(arguments: [
        "data: [DONE]\n\n", ": comment\n\n", "data: {\"model\":7}\n\n", "data: {\"message\":{\"model\":null}}\n\n",
        "data: {\"message\":\"model\"}\n\n", "data: {\"model\":\"up\"\n\n",
    ])
    func framesWithoutAModelAreLeftAlone(frame: String) throws {
        #expect(try renamed(frame) == nil)
    }

    @Test(arguments: [
        ("data: {\"error\":{\"message\":\"m\"}}\n\n", true, false),
        ("event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"m\"}}\n\n", true, true),
        ("event: error\ndata: {\"message\":\"m\"}\n\n", false, false),
        ("data: {\"error\":null,\"choices\":[]}\n\n", false, false),
        ("data: {\"choices\":[{\"finish_reason\":\"error\"}]}\n\n", false, false),
        (": error\n\n", false, false),
    ])
    func errorsAsClientsOfEachDialectSeeThem(frame: String, openAI: Bool, anthropic: Bool) throws {
        #expect(try withFrame(frame) { StreamEdit.isError($0, dialect: .openAI) } == openAI)
        #expect(try withFrame(frame) { StreamEdit.isError($0, dialect: .anthropic) } == anthropic)
    }

    @Test(arguments: ["data: {\"model\":\"m\"}\n\n", "event: e\ndata:{\"model\":\"m\"}\r\n\r\n"])
    func aWrittenFrameIsCutAtItsData(text: String) throws {
        try withFrame(text) { frame in
            var output = Array("before".utf8)
            #expect(StreamEdit.appendRenamed(frame, to: "alias", into: &output))
            let parts = StreamEdit.parts(of: output[6...], like: frame)
            #expect(String(decoding: parts.data, as: UTF8.self) == #"{"model":"alias"}"#)
            #expect(parts.before + parts.data + parts.behind == Array(output[6...]))
        }
    }
}
