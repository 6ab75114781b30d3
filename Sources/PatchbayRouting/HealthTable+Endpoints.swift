package import PatchbayCore

/// What is known of single wire formats of a channel.
extension HealthTable {
    /// Another format of the channel has answered where this one proved unsupported: it was not the site that was
    /// down. The format is left alone for half an hour, not for the seconds of an ordinary failure.
    package func confirmUnsupported(
        _ format: WireFormat, model: String, channel: Int32, of origin: RoutingTable, now: Int64
    ) {
        extendRest(of: format, model: model, channel: channel, of: origin, until: now &+ HealthCell.endpointMemory)
    }

    /// The formats of a channel that rest, for people.
    func restingEndpoints(_ channel: Int32, model: String, now: Int64) -> [ExplainedEndpoint] {
        cellsOfEndpoints(channel, model: model).compactMap { format, cell in
            guard cell.isCooling(now) else { return nil }
            let milliseconds = cell.until == .max ? Int64.max : max(1, (cell.until &- now &+ 999_999) / 1_000_000)
            return ExplainedEndpoint(format: format, milliseconds: milliseconds, reason: cell.reason)
        }
    }
}

/// A wire format of a channel that is not used for the time being.
package struct ExplainedEndpoint: Sendable, Hashable {
    package var format: WireFormat
    /// Until it is tried again.
    package var milliseconds: Int64
    /// What the upstream said; may be empty.
    package var reason: String
}
