import CPatchbay
import Testing

/// One row of a classification table: an answer and whose fault it is.
struct JudgementCase: Sendable, CustomTestStringConvertible {
    var status: UInt32
    var body: String
    var headers: [String: String]
    var transport: Int
    /// nil = left to the host.
    var fault: Int?
    var retry: Int
    var retryAfter: UInt64
    var flags: Int

    init(
        _ status: UInt32, _ body: String = "", headers: [String: String] = [:], transport: Int = PB_TRANSPORT_NONE,
        is fault: Int?, retry: Int = PB_RETRY_NONE, retryAfter: UInt64 = 0, flags: Int = 0
    ) {
        self.status = status
        self.body = body
        self.headers = headers
        self.transport = transport
        self.fault = fault
        self.retry = retry
        self.retryAfter = retryAfter
        self.flags = flags
    }

    var testDescription: String { "\(status) \(body.prefix(60))" }

    func check(_ plugin: PluginUnderTest, sourceLocation: SourceLocation = #_sourceLocation) {
        let decision = plugin.classify(status: status, body: body, headers: headers, transport: transport)
        guard let fault else {
            #expect(decision == nil, sourceLocation: sourceLocation)
            return
        }
        guard let verdict = decision?.verdict else {
            Issue.record("left to the host", sourceLocation: sourceLocation)
            return
        }
        #expect(Int(verdict.fault) == fault, "fault", sourceLocation: sourceLocation)
        #expect(Int(verdict.retry) == retry, "retry", sourceLocation: sourceLocation)
        #expect(verdict.retry_after_ms == retryAfter, "retry after", sourceLocation: sourceLocation)
        #expect(Int(verdict.flags) == flags, "flags", sourceLocation: sourceLocation)
        #expect(decision?.reason.isEmpty == false, "reason", sourceLocation: sourceLocation)
    }
}
