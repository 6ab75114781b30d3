import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayUpstream
import PatchbayWire

/// The bytes of a request to an upstream, from what the platform plugin decided.
extension Exchange {
    /// A body up to this size is copied behind its head, so that both leave in one segment; a longer one is written as
    /// it is.
    private static let copiedBodyBytes = 16_384

    func upstreamRequest(
        draft: RequestDraft, upstream: ChannelUpstream, body: ByteBuffer
    ) throws(ChannelUnusable) -> UpstreamRequest {
        let isCopied = body.readableBytes <= Exchange.copiedBodyBytes
        var head = try requestHead(draft, upstream, bodyBytes: body.readableBytes, isCopied: isCopied)
        guard isCopied else { return UpstreamRequest(head: head, body: body) }
        head.writeImmutableBuffer(body)
        return UpstreamRequest(head: head)
    }

    /// Everything in front of a body, with room for the body if it is to be copied behind.
    func requestHead(
        _ draft: RequestDraft, _ upstream: ChannelUpstream, bodyBytes: Int, isCopied: Bool
    ) throws(ChannelUnusable) -> ByteBuffer {
        let headBytes = headCapacity(draft: draft, upstream: upstream)
        var head = connection.buffer(capacity: headBytes + (isCopied ? bodyBytes : 0))
        try connection.headBytes.withUnsafeReadableBytes { (bytes) throws(ChannelUnusable) in
            try HeadWriter.write(to: &head, capacity: headBytes) { writer throws(ChannelUnusable) in
                try writeHead(draft, upstream, bytes, bodyBytes: bodyBytes, into: &writer)
            }
        }
        return head
    }

    /// No less than what ``writeHead`` writes.
    private func headCapacity(draft: RequestDraft, upstream: ChannelUpstream) -> Int {
        var capacity = 288 + draft.byteCount + 4 * draft.headers.count + upstream.headBytes
        capacity += connection.headBytes.readableBytes + upstream.secrets.expandedCount(of: draft.url.count)
        for header in draft.headers where header.hasSecret {
            capacity += upstream.secrets.expandedCount(of: header.value?.count ?? 0)
        }
        return capacity
    }

    private func writeHead(
        _ draft: RequestDraft, _ upstream: ChannelUpstream, _ clientHead: UnsafeRawBufferPointer, bodyBytes: Int,
        into writer: inout HeadWriter
    ) throws(ChannelUnusable) {
        try writeFront(draft, upstream, into: &writer)
        writeForwardedFields(clientHead, into: &writer) { draft.hasHeader($0) || upstream.hasSiteHeader($0) }
        Exchange.writeEnd(bodyBytes: bodyBytes, into: &writer)
    }

    /// What depends on the channel and on what its plugin said.
    private func writeFront(
        _ draft: RequestDraft, _ upstream: ChannelUpstream, into writer: inout HeadWriter
    ) throws(ChannelUnusable) {
        if draft.method.isEmpty {
            writer.write("POST ")
        } else {
            writer.write(draft.bytes(of: draft.method))
            writer.write(" ")
        }
        try writeTarget(draft.bytes(of: draft.url), upstream, into: &writer)
        writer.write(" HTTP/1.1\r\n")
        upstream.hostLine.withUnsafeBytes { writer.write($0) }
        for header in upstream.siteHeaders where !header.name.withUnsafeBytes({ draft.hasHeader($0) }) {
            header.line.withUnsafeBytes { writer.write($0) }
        }
        for header in draft.headers {
            guard let value = header.value else { continue }
            writer.write(draft.bytes(of: header.name))
            writer.write(": ")
            if header.hasSecret {
                try upstream.secrets.write(draft.bytes(of: value), isURL: false, into: &writer)
            } else {
                writer.write(draft.bytes(of: value))
            }
            writer.write("\r\n")
        }
        writer.write("accept-encoding: identity\r\n")
    }

    private static func writeEnd(bodyBytes: Int, into writer: inout HeadWriter) {
        writer.write("content-length: ")
        writer.write(decimal: bodyBytes)
        writer.write("\r\n\r\n")
    }

    /// The path and query of the URL that the plugin made; the host has checked its origin.
    private func writeTarget(
        _ url: UnsafeRawBufferPointer, _ upstream: ChannelUpstream, into writer: inout HeadWriter
    ) throws(ChannelUnusable) {
        if let start = upstream.targetStart(of: url) {
            return try upstream.secrets.write(
                UnsafeRawBufferPointer(rebasing: url[start...]), isURL: true, into: &writer)
        }
        guard let (origin, target, needsSlash) = UpstreamURL.split(url), origin == upstream.origin else {
            throw ChannelUnusable(reason: "the plugin gave a URL outside the origin of the site")
        }
        if needsSlash { writer.write("/") }
        try upstream.secrets.write(UnsafeRawBufferPointer(rebasing: url[target]), isURL: true, into: &writer)
    }

    /// The client's headers that mean something to an upstream. Credentials, hop-by-hop fields and what identifies the
    /// client's own account elsewhere stay here; to another format only what every format understands goes along.
    ///
    /// - Parameter isOwn: whether the gateway itself says something under this name.
    private func writeForwardedFields(
        _ bytes: UnsafeRawBufferPointer, into writer: inout HeadWriter, isOwn: (UnsafeRawBufferPointer) -> Bool
    ) {
        let sameFormat = attempt.isSameFormat
        let hopByHop = connection.head.fields.first(.connection)?.bytes(in: bytes)
        for field in connection.head.fields {
            let name = field.name.bytes(in: bytes)
            guard ForwardedFields.toUpstream(field, name: name, sameFormat: sameFormat) else { continue }
            if let hopByHop, ForwardedFields.isListed(name, in: hopByHop) { continue }
            if isOwn(name) { continue }
            writer.field(name, field.value.bytes(in: bytes))
        }
        writer.write("x-patchbay-hops: ")
        writer.write(decimal: governed.hops + 1)
        writer.write("\r\n")
    }
}

// MARK: - Heads that are kept

extension Exchange {
    /// The head for a request whose channel, format and client's head were at hand before, or as it can be kept for the
    /// next one like it; nil if the plugin is asked every time. Then, and when it was asked for the first time, what it
    /// said is in the draft.
    func keptHead(
        _ instance: PluginInstance, _ upstream: ChannelUpstream, _ format: FormatBinding
    ) throws -> KnownUpstreamHead? {
        // A request for a summary goes to another path than its head says.
        guard instance.preparesForAnySize, fields.form == nil, responses?.compaction == nil, let slot = attempt.slot
        else {
            try prepare(instance, upstream, format)
            return nil
        }
        if let known = knownHead, known.serial == connection.headSerial, known.slot === slot,
            known.format === format, known.isStream == attempt.streams, known.isSameFormat == attempt.isSameFormat,
            withModelBytes({ name in known.model.withUnsafeBytes { name.equals($0) } })
        {
            loop.draft.removeAll()
            return known
        }
        guard let prepared = try preparedHead(instance, slot, format) else { return nil }
        let known = KnownUpstreamHead(
            serial: connection.headSerial, slot: slot, prepared: prepared, attempt: attempt, format: format,
            model: withModelBytes { Array($0) }, fields: clientFields(isOwn: prepared.hasField))
        // Idle streams by the thousand need not keep it: most of their connections carry nothing else.
        if connection.isReused { knownHead = known }
        return known
    }

    /// What the plugin says of requests like this one, from the slot or by asking it.
    private func preparedHead(
        _ instance: PluginInstance, _ slot: CandidateSlot, _ format: FormatBinding
    ) throws -> PreparedHead? {
        let known = asking(format) { question in slot.preparedHead(for: question, loop.headers) }
        if let known {
            loop.draft.removeAll()
            return known
        }
        loop.headers.beginNoting()
        defer { loop.headers.endNoting() }
        try prepare(instance, slot.upstream, format)
        guard loop.draft.patches.isEmpty, let asked = loop.headers.asked else { return nil }
        let made = try asking(format) { question throws(ChannelUnusable) in
            try makePreparedHead(question, slot.upstream, asked)
        }
        slot.keep(made)
        return made
    }

    private func makePreparedHead(
        _ question: PreparedHead.Question, _ upstream: ChannelUpstream, _ asked: [HeaderView.Asked]
    ) throws(ChannelUnusable) -> PreparedHead {
        let draft = loop.draft
        let capacity = headCapacity(draft: draft, upstream: upstream)
        var buffer = ByteBuffer()
        try HeadWriter.write(to: &buffer, capacity: capacity) { writer throws(ChannelUnusable) in
            try writeFront(draft, upstream, into: &writer)
        }
        let names = draft.headers.map { Array(draft.bytes(of: $0.name)) } + upstream.siteHeaders.map(\.name)
        return buffer.withUnsafeReadableBytes { PreparedHead(question, asked: asked, ownNames: names, bytes: $0) }
    }

    /// The lines of the client's fields that go along, and the one that counts gateways.
    private func clientFields(isOwn: (UnsafeRawBufferPointer) -> Bool) -> [UInt8] {
        var buffer = ByteBuffer()
        connection.headBytes.withUnsafeReadableBytes { bytes in
            HeadWriter.write(to: &buffer, capacity: bytes.count + 4 * connection.head.fields.count + 64) { writer in
                writeForwardedFields(bytes, into: &writer, isOwn: isOwn)
            }
        }
        return Array(buffer.readableBytesView)
    }

    /// A request that begins with a head that was kept.
    func upstreamRequest(_ known: KnownUpstreamHead, body: ByteBuffer) -> UpstreamRequest {
        let isCopied = body.readableBytes <= Exchange.copiedBodyBytes
        let capacity = known.prepared.count + known.fields.count + 48 + (isCopied ? body.readableBytes : 0)
        var head = connection.buffer(capacity: capacity)
        HeadWriter.write(to: &head, capacity: capacity) { writer in
            writer.write(known.prepared.bytes)
            known.fields.withUnsafeBytes { writer.write($0) }
            Exchange.writeEnd(bodyBytes: body.readableBytes, into: &writer)
            if isCopied { body.withUnsafeReadableBytes { writer.write($0) } }
        }
        return isCopied ? UpstreamRequest(head: head) : UpstreamRequest(head: head, body: body)
    }
}

/// A channel that cannot be asked, through no fault of the client.
struct ChannelUnusable: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
}
