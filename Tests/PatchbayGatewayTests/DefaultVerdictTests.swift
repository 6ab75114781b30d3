import PatchbayCore
import PatchbayHost
import Testing

@testable import PatchbayGateway

@Suite struct DefaultVerdictTests {
    @Test(arguments: [
        (400, Fault.client, RetryScope.none), (401, .credential, .otherAccount), (402, .quota, .otherAccount),
        (403, .credential, .otherAccount), (404, .model, .otherChannel), (405, .endpoint, .otherChannel),
        (408, .site, .otherChannel), (413, .client, .none), (422, .client, .none), (429, .rate, .otherAccount),
        (500, .site, .otherChannel), (501, .endpoint, .otherChannel), (503, .overload, .otherChannel),
        (529, .overload, .otherChannel), (200, .site, .otherChannel), (302, .site, .otherChannel),
        (999, .site, .otherChannel),
    ])
    func answers(status: Int, fault: Fault, retry: RetryScope) {
        let verdict = DefaultVerdict.answer(status: status, retryAfter: 0)
        #expect(verdict.fault == fault)
        #expect(verdict.retry == retry)
    }

    @Test(arguments: [429, 503])
    func whatTheUpstreamAskedForIsPassedOn(status: Int) {
        #expect(DefaultVerdict.answer(status: status, retryAfter: 7000).retryAfterMilliseconds == 7000)
    }

    @Test(arguments: [TransportFault.connect, .tls, .reset, .timeout, .denied])
    func theNetworkIsAtFaultWhenNothingArrives(fault: TransportFault) {
        #expect(DefaultVerdict.transport(fault).fault == .network)
        #expect(DefaultVerdict.transport(.protocolViolation).fault == .site)
    }

    @Test(arguments: [
        (ErrorCategory.invalidRequest, Fault.client, RetryScope.none), (.contextLength, .client, .none),
        (.authentication, .credential, .otherAccount), (.quota, .quota, .otherAccount),
        (.notFound, .model, .otherChannel), (.rateLimit, .rate, .otherAccount), (.overloaded, .overload, .otherChannel),
        (.server, .site, .otherChannel), (.truncated, .site, .otherChannel),
    ])
    func errorsInStreams(category: ErrorCategory, fault: Fault, retry: RetryScope) {
        let verdict = DefaultVerdict.streamError(category)
        #expect(verdict.fault == fault)
        #expect(verdict.retry == retry)
    }

    @Test("a credential of ours never looks like a credential of the client's")
    func answersToClients() {
        func status(_ fault: Fault, dialect: Dialect = .openAI, _ cause: AttemptFailureCause = .truncated) -> Int {
            let verdict = Verdict(fault: fault, retry: .otherChannel)
            return FailureAnswer.error(for: verdict, cause: cause, retryAfter: nil, dialect: dialect).status
        }
        #expect(status(.credential) == 502)
        #expect(status(.challenge) == 502)
        #expect(status(.quota) == 503)
        #expect(status(.rate) == 429)
        #expect(status(.overload) == 503)
        #expect(status(.overload, dialect: .anthropic) == 529)
        #expect(status(.network) == 502)
        #expect(status(.network, .timeout("late")) == 504)
        #expect(status(.network, .transport(.timeout, sentence: "late")) == 504)
        #expect(status(.client) == 400)
        #expect(status(.model) == 404)
        #expect(status(.site) == 502)
    }

    @Test(arguments: [Fault.quota, .rate, .overload])
    func aClientIsToldWhenToComeBack(fault: Fault) {
        let verdict = Verdict(fault: fault, retry: .otherChannel)
        let guess = FailureAnswer.error(for: verdict, cause: .truncated, retryAfter: nil, dialect: .openAI)
        let known = FailureAnswer.error(for: verdict, cause: .truncated, retryAfter: 17, dialect: .openAI)
        #expect((guess.retryAfter ?? 0) > 0)
        #expect(known.retryAfter == 17)
    }
}
