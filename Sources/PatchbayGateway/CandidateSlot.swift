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
    let policy: RequestPolicy
    /// Those of ``policy`` that the transport keeps.
    let timeouts: UpstreamTimeouts
    /// A second channel may be asked when the first is late.
    let isHedged: Bool
    /// What the platform plugin said for requests of several kinds, the oldest one first.
    private var preparedHeads: [PreparedHead] = []
    private static let preparedHeadLimit = 4

    init(
        _ candidate: Candidate, upstream: ChannelUpstream, destination: UpstreamDestination?, series: RequestSeries,
        policy: RequestPolicy
    ) {
        channel = candidate.channel
        price = candidate.price
        self.upstream = upstream
        self.destination = destination
        self.series = series
        self.policy = policy
        let timeouts = policy.timeouts
        self.timeouts = UpstreamTimeouts(
            connect: timeouts.connect, write: timeouts.write, firstByte: timeouts.firstByte, idle: timeouts.idle)
        isHedged = policy.retry.hedge > 0
    }

    func preparedHead(for question: PreparedHead.Question, _ headers: HeaderView) -> PreparedHead? {
        preparedHeads.first { $0.answers(question, headers) }
    }

    func keep(_ head: PreparedHead) {
        if preparedHeads.count >= CandidateSlot.preparedHeadLimit { preparedHeads.removeFirst() }
        preparedHeads.append(head)
    }
}
