import Testing

@testable import PatchbaySimulator

/// The small parts that the simulated site is made of.
@Suite struct SimulatorPartsTests {
    @Test(arguments: [
        #"{"a":[1,-2.5,true,null,"x"],"b":{}}"#, "[]", "\"\"", "0", #""\"\\\n\t""#, "[[[[]]]]",
    ]) func documentsSurviveARoundTrip(text: String) throws {
        let document = try #require(DocumentParser.parse(Array(text.utf8)))
        #expect(String(decoding: document.bytes, as: UTF8.self) == text)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "tru", "1 2", "\"", "\"\\x\"", "\"\\u12\"", "\u{1}", "-", "{1:2}",
        String(repeating: "[", count: 1_000),
    ]) func brokenDocumentsAreRefused(text: String) {
        #expect(DocumentParser.parse(Array(text.utf8)) == nil)
    }

    @Test func escapesAreReadAndLoneSurrogatesReplaced() {
        #expect(DocumentParser.parse(Array(#""\u00e9\ud83d\ude00""#.utf8))?.text == "é😀")
        #expect(DocumentParser.parse(Array(#""\ud83dx""#.utf8))?.text == "\u{FFFD}x")
        #expect(DocumentParser.parse(Array(#""\ud83d\u0041""#.utf8))?.text == "\u{FFFD}A")
    }

    @Test func theLastOfEqualMembersWins() {
        #expect(DocumentParser.parse(Array(#"{"a":1,"a":2}"#.utf8))?["a"]?.whole == 2)
    }

    @Test(arguments: ["", "one two", "  spaced  out\n\n", "extraordinarily long", "混合 text，标点。", "a\tb", "don't!"])
    func piecesJoinToTheirText(text: String) {
        #expect(TokenCounter.pieces(of: text).joined() == text)
    }

    @Test func timesAreCivil() {
        #expect(CivilTime(seconds: 0).timestamp == "1970-01-01T00:00:00Z")
        #expect(CivilTime(seconds: 1_709_164_799).timestamp == "2024-02-28T23:59:59Z")
        #expect(CivilTime(seconds: 1_709_164_800).date == "2024-02-29")
        #expect(CivilTime(seconds: 1_709_251_200).date == "2024-03-01")
        #expect(CivilTime(seconds: -1).date == "1969-12-31")
    }

    @Test func base64URLHasNoPadding() {
        #expect(["", "f", "fo", "foo", "foob"].map { Base64URL.encode($0) } == ["", "Zg", "Zm8", "Zm9v", "Zm9vYg"])
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8")
    }

    @Test func requestsAreTakenApart() {
        let request = SiteRequest(
            method: "GET", target: "/a?x=1%202&y=%E4%BD%A0&z&w=a+b", headers: ["cookie": "a=1; session=x=y; b=2"])
        #expect(request.path == "/a")
        #expect(request.query == ["x": "1 2", "y": "你", "z": "", "w": "a b"])
        #expect(request.cookie("session") == "x=y")
        #expect(request.cookie("c") == nil)
    }

    @Test func namesInTheMiddleOfSentencesAreFound() {
        #expect(ToolArguments.properNames(in: "Compare Rome, Oslo and Rome. Then stop.") == ["Rome", "Oslo"])
        #expect(ToolArguments.properNames(in: "nothing here") == [])
    }
}
