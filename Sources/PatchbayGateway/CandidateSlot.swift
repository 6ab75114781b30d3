import PatchbayCore
import PatchbayRouting
import PatchbayTelemetry
import PatchbayUpstream

/// What one event loop keeps at hand of a candidate of a route: its connections, its metrics, its price.
final class CandidateSlot {
    /// Index into the table's channels.
    let channel: Int32
    let price: ModelPrice?
    let upstream: ChannelUpstream
    /// nil when the base URL of the site cannot be used.
    let destination: UpstreamDestination?
    let series: RequestSeries

    init(
        _ candidate: Candidate, upstream: ChannelUpstream, destination: UpstreamDestination?, series: RequestSeries
    ) {
        channel = candidate.channel
        price = candidate.price
        self.upstream = upstream
        self.destination = destination
        self.series = series
    }
}
