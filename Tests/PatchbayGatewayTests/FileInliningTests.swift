import Foundation
import PatchbayCore
import PatchbayStore
import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite struct FileInliningTests {
    private static let png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 1, 2, 3]

    /// Uploads a file and puts it into bodies that name it `ID`.
    private func inlined(
        _ body: String, format: WireFormat, type: String, content: [UInt8] = Array("hello".utf8), limit: Int = 4096,
        owner: String = "a", hyphen: String = "-"
    ) async throws -> (String?, GatewayError?) {
        let directory = FileManager.default.temporaryDirectory.appending(path: "files-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try FileStore(directory: directory.path(percentEncoded: false), settings: FileStoreSettings())
        let file = NewFile(
            name: "näme", type: type, purpose: "vision", keepMilliseconds: nil, bytes: content.count
        ) { use in content.withUnsafeBytes(use) }
        let upload = try await withCheckedContinuation { continuation in
            store.put(file, owner: "a") { continuation.resume(returning: $0) }
        }.get()
        guard case .kept(let kept) = upload else { return (nil, nil) }
        let named = body.replacingOccurrences(of: "ID", with: kept.id.replacing("-", with: hyphen))
        #expect(Array(named.utf8).withUnsafeBytes(FileReferences.mayBe))
        let outcome = try await withCheckedContinuation { continuation in
            store.use(owner: owner) { reader throws(StoreError) in
                try FileInlining.outcome([Array(named.utf8)], format: format, limit: limit, reader: reader)
            } _: { continuation.resume(returning: $0) }
        }.get()
        store.close()
        switch outcome {
        case .refused(let error): return (nil, error)
        case .bodies(let bodies):
            return (bodies[0].map { String(decoding: $0, as: UTF8.self).replacing(kept.id, with: "ID") }, nil)
        }
    }

    private func expect(
        _ body: String, becomes expected: String, format: WireFormat, type: String,
        content: [UInt8] = Array("hello".utf8)
    ) async throws {
        let (text, error) = try await inlined(body, format: format, type: type, content: content)
        #expect(text == expected)
        #expect(error == nil)
    }

    @Test func chatGetsPartsOfItsOwn() async throws {
        func body(_ part: String) -> String {
            #"{ "messages":[{"role":"user","content":[{"type":"text","text":"ID"}, "# + part + #"]}],"n" : 1.0 }"#
        }
        let part = #"{"type":"file","file":{"file_id":"ID"},"x":1}"#
        try await expect(
            body(part),
            becomes: body(
                #"{"type":"file","file":{"filename":"näme","file_data":"data:text/plain;base64,aGVsbG8="},"x":1}"#),
            format: .openAIChat, type: "text/plain")
        try await expect(
            body(part),
            becomes: body(
                #"{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORwECAw=="},"x":1}"#),
            format: .openAIChat, type: "image/png", content: Self.png)
        try await expect(
            body(part),
            becomes: body(
                #"{"type":"input_audio","input_audio":{"data":"aGVsbG8=","format":"mp3"},"x":1}"#),
            format: .openAIChat, type: "audio/mpeg")
    }

    @Test func responsesGetsData() async throws {
        try await expect(
            #"{"input":[{"content":[{"type":"input_file","file_id":"ID","filename":null}]}]}"#,
            becomes: #"{"input":[{"content":[{"type":"input_file","#
                + #""file_data":"data:application/pdf;base64,aGVsbG8=","filename":"näme","file_id":null}]}]}"#,
            format: .openAIResponses, type: "application/pdf")
        try await expect(
            #"{"input":[{"type":"function_call_output","output":[{"type":"input_image","file_id":"ID","detail":"low"}]}]}"#,
            becomes: #"{"input":[{"type":"function_call_output","output":[{"type":"input_image","#
                + #""image_url":"data:image/png;base64,iVBORwECAw==","detail":"low"}]}]}"#,
            format: .openAIResponses, type: "image/png", content: Self.png)
    }

    @Test func messagesGetsSources() async throws {
        func body(_ block: String, _ source: String) -> String {
            #"{"messages":[{"content":[{"type":"tool_result","content":[{"type":"\#(block)","source":\#(source)}]}]}]}"#
        }
        let source = #"{"type":"file","file_id":"ID"}"#
        try await expect(
            body("image", source),
            becomes: body("image", #"{"type":"base64","media_type":"image/png","data":"iVBORwECAw=="}"#),
            format: .anthropicMessages, type: "image/png", content: Self.png)
        try await expect(
            body("document", source),
            becomes: body("document", #"{"type":"text","media_type":"text/plain","data":"hello"}"#),
            format: .anthropicMessages, type: "text/markdown")
        let (_, wrong) = try await inlined(body("image", source), format: .anthropicMessages, type: "text/plain")
        #expect(wrong?.status == 400)
        #expect(wrong?.parameter == "messages[0].content[0].content[0].source.file_id")
    }

    @Test func geminiGetsInlineData() async throws {
        try await expect(
            #"{"contents":[{"parts":[{"fileData":{"fileUri":"https://x/v1beta/files/ID","mimeType":"image/webp"}}]}]}"#,
            becomes: #"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/webp","data":"iVBORwECAw=="}}]}]}"#,
            format: .geminiGenerate, type: "image/png", content: Self.png)
    }

    @Test func onlyPlacesForFilesCount() async throws {
        let body = #"{"messages":[{"role":"user","content":[{"type":"tool_use","input":{"source":{"file_id":"ID"}}}]}]}"#
        let (text, error) = try await inlined(body, format: .anthropicMessages, type: "text/plain")
        #expect(text == nil && error == nil)
    }

    @Test func whatIsSomebodyElsesDoesNotExist() async throws {
        let body = #"{"messages":[{"content":[{"type":"file","file":{"file_id":"ID"}}]}]}"#
        let (_, error) = try await inlined(body, format: .openAIChat, type: "text/plain", owner: "b")
        #expect(error?.status == 404)
        #expect(error?.sentence.contains("file-pb-") == true)
        #expect(error?.parameter == "messages[0].content[0].file.file_id")
    }

    @Test func theBodyGrowsToItsLimitOnly() async throws {
        let body = #"{"messages":[{"content":[{"type":"file","file":{"file_id":"ID"}}]}]}"#
        let (_, error) = try await inlined(body, format: .openAIChat, type: "text/plain", limit: 100)
        #expect(error?.status == 413 && error?.code == .tooLarge)
    }

    @Test func thePrefixIsFoundWhereverItStands() {
        func found(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes(FileReferences.mayBe) }
        #expect(found("file-pb-") && found("pppfile-pb-") && found("xfile-pb-x") && found("file-file-pb-"))
        #expect(!found("") && !found("file-pb") && !found("file-p") && !found("ppppp") && !found("File-pb-"))
    }

    @Test func aPrefixWithEscapesIsFoundToo() {
        func found(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes(FileReferences.mayBe) }
        #expect(found(#""file\u002dpb-1""#) && found(#""\u0066ile-pb-1""#) && found(#""file-\u0070b-""#))
        #expect(found(#"\n\u002D"#))
        #expect(!found(#""\\u002d""#) && !found(#"\u00e4 \u003c \n \t \" \u0041"#) && !found(#"\u002"#) && !found(#"\"#))
    }

    @Test(arguments: [#"\u002d"#, #"\u002D"#])
    func escapedIdsNameTheirFile(hyphen: String) async throws {
        let body = #"{"messages":[{"content":[{"type":"file","file":{"file_id":"ID"}}]}]}"#
        let (text, error) = try await inlined(body, format: .openAIChat, type: "text/plain", hyphen: hyphen)
        #expect(error == nil && text?.contains("data:text/plain;base64,aGVsbG8=") == true)
    }
}
