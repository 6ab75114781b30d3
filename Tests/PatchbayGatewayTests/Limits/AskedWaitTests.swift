import Testing

@testable import PatchbayGateway

@Suite struct AskedWaitTests {
    private static let now: Int64 = 784_111_777_000  // Sun, 06 Nov 1994 08:49:37 GMT

    private func wait(milliseconds: String? = nil, _ seconds: String?, sent: String? = nil) -> Int {
        AskedWait.milliseconds(milliseconds: milliseconds, seconds: seconds, sent: sent, now: Self.now)
    }

    @Test(arguments: [
        ("0", 0), ("7", 7_000), ("1.5", 1_500), ("-5", 0), ("999999999", 86_400_000), ("soon", 0), ("", 0),
        ("99999999999999999999", 86_400_000), ("1e3", 0), ("0x10", 0), ("nan", 0), ("inf", 0), ("7 ", 0),
    ])
    func seconds(text: String, milliseconds: Int) {
        #expect(wait(text) == milliseconds)
    }

    @Test func millisecondsComeFirst() {
        #expect(wait(milliseconds: "250", "7") == 250)
        #expect(wait(milliseconds: "soon", "7") == 7_000)
        #expect(wait(milliseconds: "12.5", nil) == 13)
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:47 GMT", "Sunday, 06-Nov-94 08:49:47 GMT", "Sun Nov  6 08:49:47 1994",
    ])
    func datesInAllThreeForms(text: String) {
        #expect(wait(text) == 10_000)
        #expect(wait(text, sent: "Sun, 06 Nov 1994 08:49:40 GMT") == 7_000)
        #expect(wait(text, sent: "Sun, 06 Nov 1994 09:00:00 GMT") == 0)
    }

    @Test(arguments: [
        "Sun, 31 Feb 1994 08:49:47 GMT", "Sun, 06 Foo 1994 08:49:47 GMT", "Sun, 06 Nov 1994 08:49:47",
        "Sun, 06 Nov 1994 25:49:47 GMT", ", , , , GMT", "Sun, 06 Nov 1994 08:49:47 CET",
    ])
    func whatIsNoDateAsksForNothing(text: String) {
        #expect(wait(text) == 0)
    }

    @Test func aDateFarAwayIsBelievedForADay() {
        #expect(wait("Fri, 31 Dec 9999 23:59:59 GMT") == 86_400_000)
    }
}
