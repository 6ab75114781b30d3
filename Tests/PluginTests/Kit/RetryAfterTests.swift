import PatchbayPlugin
import Testing

@Suite struct RetryAfterTests {
    @Test(arguments: [
        ("20s", 20000), ("250ms", 250), ("1.5s", 1500), ("6m0s", 360_000), ("1h2m3s", 3_723_000), ("20 seconds", 20000),
        ("2 minutes", 120_000), ("5", 5000), ("7 apples", 7000), ("1m 30s", 90000), ("2.", 2000),
        ("99999999999999999999s", 2_592_000_000),
    ])
    func spans(text: String, milliseconds: Int) {
        #expect(RetryAfter.span(text[...]) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "soon", "-5s", "s"]) func noSpans(text: String) {
        #expect(RetryAfter.span(text[...]) == nil)
    }

    @Test(arguments: [
        ("Rate limit reached. Please try again in 20s. Visit …", 20000), ("Retry after 3 seconds", 3000),
        ("You must wait 2 minutes", 120_000), ("Please try again in a moment, or retry in 4s", 4000),
    ])
    func sentences(text: String, milliseconds: Int) {
        #expect(RetryAfter.read(sentence: text) == .milliseconds(milliseconds))
    }

    @Test func sentencesWithoutASpan() {
        #expect(RetryAfter.read(sentence: "Please try again in a moment.") == nil)
        #expect(RetryAfter.read(sentence: "") == nil)
    }

    @Test(
        arguments: [
            (nil, "12", nil, 12000), ("250", "12", nil, 250), (nil, " 1.5 ", nil, 1500),
            (nil, "Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 30000),
            (nil, "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT", 0),
            (nil, "2026-01-01T00:01:00Z", "Thu, 01 Jan 2026 00:00:00 GMT", 60000),
        ] as [(String?, String, String?, Int)])
    func headers(milliseconds: String?, seconds: String, date: String?, expected: Int) {
        #expect(
            RetryAfter.read(milliseconds: milliseconds, seconds: seconds, date: date) == .milliseconds(expected))
    }

    @Test(arguments: ["", "soon", "-3", "nan", "Sun, 06 Nov 1994 08:50:07 GMT"]) func headersWithoutMeaning(
        text: String
    ) {
        #expect(RetryAfter.read(milliseconds: nil, seconds: text, date: nil) == nil)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2025-02-19T00:00:00Z", 1_739_923_200),
        ("2024-02-29T12:30:45.678Z", 1_709_209_845),
        ("2026-08-01T08:00:00+08:00", 1_785_542_400), ("2026-08-01T00:00:00-01:30", 1_785_547_800),
        ("2026-08-01 00:00:00z", 1_785_542_400),
    ])
    func timestamps(text: String, seconds: Int) {
        #expect(Timestamp.seconds(rfc3339: text) == seconds)
    }

    @Test(arguments: [
        "", "2026-08-01", "2026-13-01T00:00:00Z", "2026-08-01T25:00:00Z", "2026-08-01T00:00:00", "x-y-zTa:b:cZ",
    ])
    func noTimestamps(text: String) {
        #expect(Timestamp.seconds(rfc3339: text) == nil)
    }

    @Test func datesOfHTTP() {
        #expect(Timestamp.seconds(httpDate: "Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(Timestamp.seconds(httpDate: "Sunday, 06-Nov-94 08:49:37 GMT") == nil)
    }
}
