import Logging
import PatchbayCore
import Synchronization
import Testing

@testable import PatchbayTelemetry

@Suite struct LineLogHandlerTests {
    /// What a logger of these settings writes.
    private func lines(_ settings: LogSettings, _ body: (inout Logger) -> Void) -> [String] {
        let sink = Sink()
        var logger = Logger(label: "test") { label in
            LineLogHandler(
                label: label, settings: settings, output: { sink.take(String(decoding: $0, as: UTF8.self)) },
                clock: { 1_795_236_499_414 })
        }
        body(&logger)
        return sink.lines
    }

    private final class Sink: Sendable {
        private let collected = Mutex<[String]>([])
        func take(_ line: String) { collected.withLock { $0.append(line) } }
        var lines: [String] { collected.withLock { $0 } }
    }

    @Test func textLineHasTimeLevelMessageAndMetadata() {
        let written = lines(LogSettings()) { logger in
            logger.info("Attempt failed.", metadata: ["site": "alpha", "request_id": "r1", "why": "no answer"])
        }
        #expect(
            written == [
                "2026-11-21T04:48:19.414Z info     Attempt failed. logger=test request_id=r1 site=alpha why=\"no answer\"\n"
            ])
    }

    @Test func jsonLineIsOneObject() {
        let written = lines(LogSettings(format: .json)) { logger in
            logger.warning("Say \"hi\".", metadata: ["list": ["a", "b"], "map": ["k": "v\n"]])
        }
        #expect(
            written == [
                #"{"time":"2026-11-21T04:48:19.414Z","level":"warning","message":"Say \"hi\".","logger":"test","#
                    + #""list":["a","b"],"map":{"k":"v\n"}}"# + "\n"
            ])
    }

    @Test(arguments: [LogSettings.Format.text, .json])
    func secretsAreNeverWritten(format: LogSettings.Format) {
        let written = lines(LogSettings(format: format)) { logger in
            logger.info(
                "Message.",
                metadata: [
                    "value": .stringConvertible(Secret("hush-hush")), "Authorization": "Bearer hush-hush",
                    "nested": ["api-key": "hush-hush", "list": [.stringConvertible(Secret("hush-hush"))]],
                ])
        }
        #expect(written.count == 1 && !written[0].contains("hush"))
        #expect(written[0].contains("[secret]"))
    }

    @Test func nobodyCanStartALineOfHisOwn() {
        for format in [LogSettings.Format.text, .json] {
            let written = lines(LogSettings(format: format)) { logger in
                logger.error("a\nb\u{2028}c", metadata: ["k\n": "x\r\ny\u{7F}\u{1B}[31m"])
            }
            #expect(
                written[0].unicodeScalars.filter { $0.value < 0x20 || $0.value == 0x7F || $0.value == 0x2028 }.count
                    == 1)
        }
    }

    @Test func levelFollowsTheEnvironment() {
        let settings = LogSettings(environment: ["PATCHBAY_LOG_LEVEL": "WARNING", "PATCHBAY_LOG_FORMAT": "json"])
        #expect(settings == LogSettings(level: .warning, format: .json))
        #expect(LogSettings(environment: ["PATCHBAY_LOG_LEVEL": "loud"]) == LogSettings())
        let written = lines(settings) { logger in
            logger.info("Hidden.")
            logger.error("Shown.")
        }
        #expect(written.count == 1 && written[0].contains("Shown."))
    }

    @Test func metadataOfTheLoggerIsWritten() {
        let written = lines(LogSettings()) { logger in
            logger[metadataKey: "request_id"] = "r1"
            logger.info("One.")
        }
        #expect(written[0].hasSuffix("One. logger=test request_id=r1\n"))
    }
}
