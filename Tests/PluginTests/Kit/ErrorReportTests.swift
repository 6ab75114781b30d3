import PatchbayPlugin
import Testing

@Suite struct ErrorReportTests {
    func report(_ text: String) -> ErrorReport? {
        var text = text
        return text.withUTF8 { ErrorReport(ByteView(UnsafeRawBufferPointer($0))) }
    }

    @Test(arguments: [
        (
            #"{"error":{"message":"m","type":"t","param":"p","code":"c"}}"#,
            ErrorReport(message: "m", type: "t", code: "c", param: "p")
        ),
        (#"{"error":{"message":"m","type":null,"code":429}}"#, ErrorReport(message: "m", code: "429")),
        (
            #"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
            ErrorReport(message: "m", type: "overloaded_error")
        ),
        (#"{"error":"m"}"#, ErrorReport(message: "m")),
        (
            #"[{"error":{"code":400,"message":"m","status":"INVALID"}}]"#,
            ErrorReport(message: "m", type: "INVALID", code: "400")
        ),
        (#"{"success":false,"message":"m"}"#, ErrorReport(message: "m")),
        (#"{"code":"API_KEY_REQUIRED","message":"m"}"#, ErrorReport(message: "m", code: "API_KEY_REQUIRED")),
        (#"{"detail":"m"}"#, ErrorReport(message: "m")),
        (#"  {"error":{"msg":"m"}} "#, ErrorReport(message: "m")),
    ])
    func documents(text: String, expected: ErrorReport) {
        #expect(report(text) == expected)
    }

    @Test(arguments: [
        "", "x", "{", "[]", "null", "<html>", #"{"id":"1","choices":[]}"#, #"{"error":null}"#, #"{"message":"hello"}"#,
        #"{"success":true,"message":""}"#, #"{"code":0,"message":"success","data":{}}"#, #"{"error":""}"#,
    ])
    func answersAreNoReports(text: String) {
        #expect(report(text) == nil)
    }

    @Test func everyPrefixIsReadWithoutHarm() {
        let text =
            #"{"type":"error","error":{"type":"overloaded_error","message":"zu viel \u00fc","code":[1,{"a":null}]}}"#
        for end in 0..<text.utf8.count { #expect(report(String(text.utf8.prefix(end))!) == nil) }
        #expect(report(text)?.message == "zu viel ü")
    }
}
