package import PatchbayCore

/// Headers of a client's request or of an upstream's answer, for plugins that look at them. Called on the thread of
/// `prepare` or `classify`.
package protocol HeaderSource: AnyObject {
    /// The value of a header, or a buffer without base address if there is none. Valid until `prepare` or `classify`
    /// returns. `name` is in lower case.
    func headerValue(named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer
}

/// One attempt before it is sent. All views are valid while `prepare` runs; a view without base address is absent.
package struct AttemptInput {
    package var isStream = false
    /// Wire format of the body to be sent.
    package var format: UnsafeRawBufferPointer
    /// What is asked of it: `generate`, `models` ...
    package var operation: UnsafeRawBufferPointer
    /// Of the site, without a trailing slash.
    package var baseURL: UnsafeRawBufferPointer
    package var requestedModel: UnsafeRawBufferPointer
    package var upstreamModel: UnsafeRawBufferPointer
    package var credentialKind: UnsafeRawBufferPointer
    /// Of the client's request, without `?`.
    package var query = UnsafeRawBufferPointer(start: nil, count: 0)
    package var bodySize = 0
    /// Not retained beyond the call.
    package var headers: (any HeaderSource)?

    package init(
        format: UnsafeRawBufferPointer, operation: UnsafeRawBufferPointer, baseURL: UnsafeRawBufferPointer,
        requestedModel: UnsafeRawBufferPointer, upstreamModel: UnsafeRawBufferPointer,
        credentialKind: UnsafeRawBufferPointer
    ) {
        self.format = format
        self.operation = operation
        self.baseURL = baseURL
        self.requestedModel = requestedModel
        self.upstreamModel = upstreamModel
        self.credentialKind = credentialKind
    }
}

/// How the transport failed. The numbers are those of `PB_TRANSPORT_` in `patchbay/upstream.h`.
package enum TransportFault: UInt32, Sendable, Hashable {
    case none = 0
    case connect = 1
    case tls = 2
    case reset = 3
    case timeout = 4
    case protocolViolation = 5
    case denied = 6
}

/// How an attempt ended. All views are valid while `classify` runs.
package struct OutcomeInput {
    /// 0 when no head arrived.
    package var httpStatus: Int
    package var transport: TransportFault
    package var format: UnsafeRawBufferPointer
    package var operation: UnsafeRawBufferPointer
    /// The first bytes of the answer after content decoding; at most 64 KiB are passed on.
    package var body = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Already sent to the client.
    package var bytesToClient = 0
    package var headers: (any HeaderSource)?

    package init(
        httpStatus: Int, transport: TransportFault = .none, format: UnsafeRawBufferPointer,
        operation: UnsafeRawBufferPointer
    ) {
        self.httpStatus = httpStatus
        self.transport = transport
        self.format = format
        self.operation = operation
    }
}

/// A plugin's judgement of an outcome.
package struct Verdict: Sendable, Hashable {
    package var fault: Fault
    package var retry: RetryScope
    /// 0 = the host decides.
    package var cooldownMilliseconds: Int
    /// What the upstream asked for; 0 = nothing.
    package var retryAfterMilliseconds: Int
    /// The credential should not be used again until it has been renewed.
    package var disablesCredential: Bool
    /// A new login may help.
    package var wantsLogin: Bool
    /// One sentence for the log; may be empty.
    package var reason: String

    package init(
        fault: Fault, retry: RetryScope, cooldownMilliseconds: Int = 0, retryAfterMilliseconds: Int = 0,
        disablesCredential: Bool = false, wantsLogin: Bool = false, reason: String = ""
    ) {
        self.fault = fault
        self.retry = retry
        self.cooldownMilliseconds = cooldownMilliseconds
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.disablesCredential = disablesCredential
        self.wantsLogin = wantsLogin
        self.reason = reason
    }
}
