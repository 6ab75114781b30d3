import PatchbayCore
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"), (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
    ])
    func millisecondsAndTextAreTheSameTime(milliseconds: Int64, text: String) {
        #expect(Timestamp.text(milliseconds: milliseconds) == text)
        #expect(Timestamp.milliseconds(text) == milliseconds)
    }

    @Test(arguments: [
        ("2026-11-21T04:48:19Z", Int64(1_795_236_499_000)), ("2026-11-21t05:48:19.4+01:00", 1_795_236_499_400),
        ("2026-11-20 23:48:19.414999-05:00", 1_795_236_499_414),
    ])
    func otherFormsAreUnderstood(text: String, milliseconds: Int64) {
        #expect(Timestamp.milliseconds(text) == milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T04:48:19", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T04:48:19.Z", "2026-11-21T04:48:19+1:00", "2026-11-21T04:48:19Zx", "+026-11-21T04:48:19Z",
    ])
    func otherTextIsRefused(text: String) {
        #expect(Timestamp.milliseconds(text) == nil)
    }
}
