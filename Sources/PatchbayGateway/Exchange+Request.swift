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
        if draft.method.isEmpty {
            writer.write("POST ")
        } else {
            writer.write(draft.bytes(of: draft.method))
            writer.write(" ")
        }
        try writeTarget(draft.bytes(of: draft.url), upstream, into: &writer)
        writer.write(" HTTP/1.1\r\n")
        upstream.hostLine.withUnsafeBytes { writer.write($0) }
        writeForwardedFields(draft, upstream, clientHead, into: &writer)
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
        writer.write("x-patchbay-hops: ")
        writer.write(decimal: governed.hops + 1)
        writer.write("\r\naccept-encoding: identity\r\ncontent-length: ")
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
    private func writeForwardedFields(
        _ draft: RequestDraft, _ upstream: ChannelUpstream, _ bytes: UnsafeRawBufferPointer,
        into writer: inout HeadWriter
    ) {
        let sameFormat = attempt.isSameFormat
        let hopByHop = connection.head.fields.first(.connection)?.bytes(in: bytes)
        for field in connection.head.fields {
            let name = field.name.bytes(in: bytes)
            guard ForwardedFields.toUpstream(field, name: name, sameFormat: sameFormat) else { continue }
            if let hopByHop, ForwardedFields.isListed(name, in: hopByHop) { continue }
            if draft.hasHeader(name) || upstream.hasSiteHeader(name) { continue }
            writer.field(name, field.value.bytes(in: bytes))
        }
    }
}

/// A channel that cannot be asked, through no fault of the client.
struct ChannelUnusable: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
}
