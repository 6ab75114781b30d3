/// How the gateway ends when it is asked to. Milliseconds.
package struct GatewayDrain: Sendable, Hashable {
    /// So long new connections are still taken after readiness has turned false, for balancers that need to notice.
    package var delay = 0
    /// So long requests in progress may go on after that; what is left then is ended with an error.
    package var deadline = 30_000

    package init() {}
}
