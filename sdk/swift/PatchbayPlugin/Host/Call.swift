import CPatchbay

/// One operation in flight, with the host services that act on its behalf. May be used from any task until the
/// operation's function has returned; afterwards its services throw ``PluginError/Code/cancelled``.
public struct Call: Sendable {
    let context: CallContext

    /// Unique in the host process.
    public var id: UInt64 { context.id }
    /// Id of the request or job on whose behalf this happens, for logs.
    public var traceID: String { context.traceID }
    public var host: Host { context.host }
    /// The caller has withdrawn the call. The task is cancelled too, so `Task.checkCancellation()` works.
    public var isCancelled: Bool { context.isCancelled }
    /// Base URL of the site, without a trailing slash; empty if there is none.
    public var baseURL: String { context.arguments.baseURL }
    /// The account that the call belongs to; nil if it belongs to none.
    public var account: AccountContext? { context.arguments.account }

    /// Time left until the host stops waiting; nil if there is no deadline.
    public var remaining: Duration? {
        guard context.deadline > 0 else { return nil }
        let now = host.clock.monotonicNanoseconds
        return context.deadline > now ? .nanoseconds(Int64(clamping: context.deadline - now)) : .zero
    }

    /// Sends a request and returns the answer, whatever its status.
    ///
    /// - Throws: ``PluginError`` when there is no answer: network, timeout, denied, tooLarge, notFound (an unknown
    ///   secret),
    ///   cancelled.
    public func http(_ request: HTTPRequest) async throws(PluginError) -> HTTPResponse {
        try await context.http(request)
    }

    /// Waits on the host's clock. Throws ``PluginError/Code/cancelled`` when the call is cancelled meanwhile.
    public func sleep(for duration: Duration) async throws(PluginError) {
        try await context.sleep(for: duration)
    }

    /// True if the account has a secret of this name.
    public func hasSecret(_ name: String) -> Bool { context.hasSecret(name) }

    /// The text of a secret; takes the permission `secrets.reveal` in the manifest. Most plugins need only
    /// `${secret:NAME}`.
    public func revealSecret(_ name: String) async throws(PluginError) -> String {
        try await context.revealSecret(name)
    }

    /// The durable store of one scope.
    public func store(_ scope: Store.Scope) -> Store { Store(context: context, scope: scope) }
}
