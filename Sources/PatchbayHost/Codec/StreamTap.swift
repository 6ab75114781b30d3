package import PatchbayCore

/// What the gateway wants to know about a stream while its events pass by.
package struct StreamTap: Sendable, Hashable {
    /// The last known value of each counter.
    package var usage = TokenUsage()
    /// At least one choice has been finished.
    package var finished = false
    package var finishReason: FinishReason?
    /// Nothing is missing, and the protocol has no end but that of the transport.
    package var isSettled = false
    /// END was seen.
    package var ended = false
    /// END came with the protocol's own terminator.
    package var clean = false
    /// Something that a client can see has come.
    package var sawContent = false
    /// The codec only taps: that a part is open is all it tells of the content.
    package var isOnlyTapped = false
    package var error: StreamErrorInfo?
    package var events = 0
    /// Bytes of text, arguments and data that have come; not counted where the codec only taps.
    package var contentBytes = 0
    /// The model that answered.
    package var model: String?

    package init() {}

    /// Deltas that the plugins have not seen.
    package mutating func observeDeltas(_ count: Int, bytes: Int) {
        events += count
        sawContent = true
        contentBytes &+= bytes
    }

    package mutating func observe(_ event: borrowing StreamEvent) {
        events += 1
        switch event.kind {
        case .start:
            usage.merge(event.usage)
            if !event.name.isEmpty { model = String(decoding: event.name.prefix(256), as: UTF8.self) }
        case .usage:
            usage.merge(event.usage)
        case .finish:
            finished = true
            finishReason = event.finishReason
        case .error:
            error = event.errorInfo
        case .partOpen:
            // What has only been announced could still come from elsewhere.
            if event.isContent || isOnlyTapped { sawContent = true }
        case .settled:
            isSettled = event.isClean
        case .end:
            ended = true
            clean = event.isClean
        case .partDelta:
            guard !event.text.isEmpty else { return }
            sawContent = true
            contentBytes &+= event.text.count
        default:
            if !sawContent, event.isContent { sawContent = true }
        }
    }
}
