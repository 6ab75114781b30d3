import PatchbayCore

/// What one event loop has seen of the channels of a table. Used on that loop only.
///
/// Functions that report on an attempt take the table the attempt was planned with: when the configuration has
/// changed meanwhile, its channel is found again by id, or forgotten if it is gone.
package final class HealthTable {
    package private(set) var table: RoutingTable
    private var sites: [HealthCell]
    private var credentials: [HealthCell]
    private var channels: [HealthCell]
    private var counters: [ChannelCounters]
    /// Formats of each channel that have a cell in `endpoints`.
    private var endpointFormats: [FormatSet]
    private var endpoints: [EndpointKey: HealthCell] = [:]
    /// From then on nobody rests; what is checked for every request when all is well.
    private var quietFrom: Int64 = 0

    /// What channels have shown of themselves beside failures.
    package internal(set) var learned = LearnedTraits()

    struct EndpointKey: Hashable {
        var channel: Int32
        var format: UInt32
        /// Where a channel sends whatever name the client used, the name; empty = all of the channel.
        var model = ""
    }

    /// Marks beyond this many are not made; a site with so many models lacks the endpoint for all of them.
    static let maximumEndpoints = 4096

    package init(table: RoutingTable) {
        self.table = table
        sites = Array(repeating: HealthCell(), count: table.sites.count)
        credentials = Array(repeating: HealthCell(), count: table.credentialIDs.count)
        channels = Array(repeating: HealthCell(), count: table.channels.count)
        counters = Array(repeating: ChannelCounters(), count: table.channels.count)
        endpointFormats = Array(repeating: FormatSet(), count: table.channels.count)
    }

    // MARK: - Questions

    /// Appends the offers of `range` that may be taken now; they have one of `formats` and nobody they need rests.
    func appendReady(
        _ range: Range<Int>, of offers: UnsafeBufferPointer<Offer>, formats: FormatSet, now: Int64,
        to plan: inout [Int32]
    ) {
        if quietFrom <= now {
            for index in range where offers[index].link.formats.rawValue & formats.rawValue != 0 {
                plan.append(Int32(truncatingIfNeeded: index))
            }
            return
        }
        for index in range {
            let channel = offers[index].channel
            if readyTime(channel) <= now, !usableFormats(channel, now: now).isDisjoint(with: formats) {
                plan.append(Int32(truncatingIfNeeded: index))
            }
        }
    }

    package func isCooling(_ channel: Int32, now: Int64) -> Bool { readyTime(channel) > now }

    /// Formats of the channel that are not resting.
    package func usableFormats(_ channel: Int32, now: Int64) -> FormatSet {
        let all = table.links[Int(channel)].formats
        let marked = endpointFormats[Int(channel)]
        guard !marked.isEmpty else { return all }
        var usable = all
        var rest = marked.rawValue
        while rest != 0 {
            let format = UInt32(rest.trailingZeroBitCount)
            if endpoint(channel, format).isCooling(now) { usable.remove(FormatSet(rawValue: 1 << format)) }
            rest &= rest - 1
        }
        return usable
    }

    /// The same for one model; `model` matters only where the channel sends whatever name the client used. Of an
    /// attempt that was planned with another table it is not known which formats rest.
    package func usableFormats(_ channel: Int32, model: String, of origin: RoutingTable, now: Int64) -> FormatSet {
        guard origin === table else { return origin.links[Int(channel)].formats }
        var usable = usableFormats(channel, now: now)
        guard table.links[Int(channel)].sendsClientModel else { return usable }
        for format in endpointFormats[Int(channel)].indexes where endpoint(channel, format, model).isCooling(now) {
            usable.remove(FormatSet(rawValue: 1 << format))
        }
        return usable
    }

    /// When site, credential and channel have all rested, in monotonic nanoseconds; in the past = it may be used.
    func readyTime(_ channel: Int32) -> Int64 {
        let link = table.links[Int(channel)]
        return max(
            channels[Int(channel)].until, credentials[Int(link.credential)].until, sites[Int(link.site)].until)
    }

    /// When the first of these formats of a channel has rested.
    func readyTime(_ channel: Int32, formats: FormatSet) -> Int64 {
        let wanted = table.links[Int(channel)].formats.intersection(formats)
        let rest = wanted.indexes.map { endpoint(channel, $0).until }.min() ?? .max
        return max(readyTime(channel), rest)
    }

    /// The resting party of a channel that keeps it closed longest, and who it is.
    func cause(of channel: Int32, now: Int64) -> (party: PartyAtFault, cell: HealthCell)? {
        let link = table.links[Int(channel)]
        let parties: [(party: PartyAtFault, cell: HealthCell)] = [
            (.site, sites[Int(link.site)]), (.credential, credentials[Int(link.credential)]),
            (.channel, channels[Int(channel)]),
        ]
        let resting = parties.filter { $0.cell.isCooling(now) }.max { $0.cell.until < $1.cell.until }
        return resting
            ?? endpointFormats[Int(channel)].indexes.map { (PartyAtFault.endpoint, endpoint(channel, $0)) }
            .filter { $0.1.isCooling(now) }.max { $0.1.until < $1.1.until }
    }

    // MARK: - Reports

    package func attemptStarted(_ channel: Int32, of origin: RoutingTable) {
        guard let channel = current(channel, of: origin) else { return }
        counters[Int(channel)].attempts &+= 1
        counters[Int(channel)].inFlight += 1
    }

    /// Once for every ``attemptStarted(_:of:)``.
    package func attemptEnded(_ channel: Int32, of origin: RoutingTable) {
        guard let channel = current(channel, of: origin) else { return }
        // A channel that left the configuration and came back while the attempt ran has a fresh counter.
        counters[Int(channel)].inFlight = max(0, counters[Int(channel)].inFlight - 1)
    }

    package func recordSuccess(_ channel: Int32, of origin: RoutingTable, now: Int64) {
        guard let channel = current(channel, of: origin) else { return }
        let link = table.links[Int(channel)]
        channels[Int(channel)].recordSuccess()
        credentials[Int(link.credential)].recordSuccess()
        sites[Int(link.site)].recordSuccess()
    }

    /// Makes the party at fault rest; see ``PartyAtFault``.
    package func recordFailure(_ failure: AttemptFailure, channel: Int32, of origin: RoutingTable, now: Int64) {
        guard let channel = current(channel, of: origin) else { return }
        counters[Int(channel)].failures &+= 1
        let link = table.links[Int(channel)]
        switch PartyAtFault(of: failure, sendsClientModel: link.sendsClientModel) {
        case .nobody: break
        case .credential: rest(&credentials[Int(link.credential)], failure, now)
        case .channel: rest(&channels[Int(channel)], failure, now)
        case .site: rest(&sites[Int(link.site)], failure, now)
        case .endpoint:
            guard let format = failure.format.flatMap({ table.formats.firstIndex(of: $0) }) else { return }
            guard makeRoomForEndpoint(now) else { return }
            let model = link.sendsClientModel ? failure.model : ""
            let key = EndpointKey(channel: channel, format: UInt32(format), model: model)
            rest(&endpoints[key, default: HealthCell()], failure, now)
            endpointFormats[Int(channel)].insert(FormatSet(rawValue: 1 << UInt32(format)))
        }
    }

    private func rest(_ cell: inout HealthCell, _ failure: AttemptFailure, _ now: Int64) {
        cell.recordFailure(failure, now: now)
        quietFrom = max(quietFrom, cell.until)
    }

    func extendRest(
        of format: WireFormat, model: String, channel: Int32, of origin: RoutingTable, until: Int64
    ) {
        guard let channel = current(channel, of: origin), let index = table.formats.firstIndex(of: format) else {
            return
        }
        let name = table.links[Int(channel)].sendsClientModel ? model : ""
        let key = EndpointKey(channel: channel, format: UInt32(index), model: name)
        guard var cell = endpoints[key] else { return }
        cell.until = max(cell.until, until)
        endpoints[key] = cell
        quietFrom = max(quietFrom, cell.until)
    }

    func cellsOfEndpoints(_ channel: Int32, model: String) -> [(format: WireFormat, cell: HealthCell)] {
        endpointFormats[Int(channel)].indexes.flatMap { format in
            [endpoint(channel, format), model.isEmpty ? HealthCell() : endpoint(channel, format, model)]
                .filter { !$0.isBlank }.map { (table.formats[Int(format)], $0) }
        }
    }

    private func current(_ channel: Int32, of origin: RoutingTable) -> Int32? {
        if origin === table { return channel }
        return table.channelIndex[origin.channels[Int(channel)].id]
    }

    private func endpoint(_ channel: Int32, _ format: UInt32, _ model: String = "") -> HealthCell {
        endpoints[EndpointKey(channel: channel, format: format, model: model)] ?? HealthCell()
    }

    private func makeRoomForEndpoint(_ now: Int64) -> Bool {
        guard endpoints.count >= Self.maximumEndpoints else { return true }
        endpoints = endpoints.filter { $0.value.isCooling(now) }
        return endpoints.count < Self.maximumEndpoints
    }

    // MARK: - A new configuration

    /// Takes over a new table. What is known of sites, credentials and channels that are still there is kept by id; a
    /// credential that has changed starts afresh.
    package func adopt(_ next: RoutingTable) {
        guard next !== table else { return }
        let fresh = HealthTable(table: next)
        let siteIndex = Dictionary(sites: next)
        for (index, site) in table.sites.enumerated() where !sites[index].isBlank {
            if let target = siteIndex[site.name] { fresh.sites[target] = sites[index] }
        }
        let credentialIndex = Dictionary(
            next.credentialIDs.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        for (index, id) in table.credentialIDs.enumerated() where !credentials[index].isBlank {
            guard let target = credentialIndex[id], next.credentials[target] == table.credentials[index] else {
                continue
            }
            fresh.credentials[target] = credentials[index]
        }
        for (index, channel) in table.channels.enumerated() {
            guard let target = next.channelIndex[channel.id] else { continue }
            fresh.channels[Int(target)] = channels[index]
            fresh.counters[Int(target)] = counters[index]
            keepEndpoints(of: Int32(index), in: fresh, as: target)
        }
        (table, sites, credentials, channels) = (next, fresh.sites, fresh.credentials, fresh.channels)
        (counters, endpointFormats, endpoints) = (fresh.counters, fresh.endpointFormats, fresh.endpoints)
        learned.keep { next.channelIndex[$0] != nil }
        noteQuiet()
    }

    private func noteQuiet() {
        let cells = [sites, credentials, channels, Array(endpoints.values)].joined()
        quietFrom = cells.map(\.until).max() ?? 0
    }

    private func keepEndpoints(of channel: Int32, in fresh: HealthTable, as target: Int32) {
        guard !endpointFormats[Int(channel)].isEmpty else { return }
        for (key, cell) in endpoints where key.channel == channel {
            guard let moved = fresh.table.formats.firstIndex(of: table.formats[Int(key.format)]) else { continue }
            fresh.endpoints[EndpointKey(channel: target, format: UInt32(moved), model: key.model)] = cell
            fresh.endpointFormats[Int(target)].insert(FormatSet(rawValue: 1 << UInt32(moved)))
        }
    }

    // MARK: - Snapshots

    /// Everything that is not blank, by id. A copy for other threads.
    package func snapshot() -> HealthSnapshot {
        var snapshot = HealthSnapshot()
        for (index, cell) in sites.enumerated() where !cell.isBlank { snapshot.sites[table.sites[index].name] = cell }
        for (index, cell) in credentials.enumerated() where !cell.isBlank {
            snapshot.credentials[table.credentialIDs[index]] = cell
        }
        for (index, channel) in table.channels.enumerated() {
            if !channels[index].isBlank { snapshot.channels[channel.id] = channels[index] }
            if counters[index].attempts > 0 { snapshot.counters[channel.id] = counters[index] }
        }
        for (key, cell) in endpoints where !cell.isBlank {
            let format = table.formats[Int(key.format)]
            let channel = table.channels[Int(key.channel)].id
            snapshot.endpoints[.init(channel: channel, format: format, model: key.model)] = cell
        }
        snapshot.learned = learned
        return snapshot
    }

    /// The health that a snapshot, perhaps one merged from several loops, describes.
    package convenience init(table: RoutingTable, restoring snapshot: HealthSnapshot) {
        self.init(table: table)
        for (index, site) in table.sites.enumerated() { sites[index] = snapshot.sites[site.name] ?? HealthCell() }
        for (index, id) in table.credentialIDs.enumerated() {
            credentials[index] = snapshot.credentials[id] ?? HealthCell()
        }
        for (index, channel) in table.channels.enumerated() {
            channels[index] = snapshot.channels[channel.id] ?? HealthCell()
            counters[index] = snapshot.counters[channel.id] ?? ChannelCounters()
        }
        for (key, cell) in snapshot.endpoints {
            guard let channel = table.channelIndex[key.channel], let format = table.formats.firstIndex(of: key.format)
            else { continue }
            endpoints[EndpointKey(channel: channel, format: UInt32(format), model: key.model)] = cell
            endpointFormats[Int(channel)].insert(FormatSet(rawValue: 1 << UInt32(format)))
        }
        learned = snapshot.learned
        noteQuiet()
    }

    func counters(of channel: Int32) -> ChannelCounters { counters[Int(channel)] }
}

extension FormatSet {
    /// The bits that are set, lowest first.
    var indexes: [UInt32] {
        var rest = rawValue
        var indexes: [UInt32] = []
        while rest != 0 {
            indexes.append(UInt32(rest.trailingZeroBitCount))
            rest &= rest - 1
        }
        return indexes
    }
}

extension [String: Int] {
    fileprivate init(sites table: RoutingTable) {
        self.init(table.sites.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
}
