import NIOCore
import PatchbayWire

/// The heads of answers.
extension ClientConnection {
    /// Writes a complete error answer. The caller decides what happens to the connection.
    func writeError(_ error: GatewayError, dialect: Dialect, requestID: String, isHead: Bool) {
        let document = error.body(dialect, requestID: requestID)
        var bytes = buffer(capacity: 256 + document.count)
        ResponseHead.writeStatus(loop.shownStatus(error.status), into: &bytes)
        ResponseHead.writeRequestID(requestID, dialect: dialect, into: &bytes)
        bytes.writeStaticString("content-type: application/json\r\n")
        if let seconds = error.retryAfter { ResponseHead.writeField("retry-after", seconds, into: &bytes) }
        if let methods = error.allow { ResponseHead.writeField("allow", methods, into: &bytes) }
        if !error.fields.isEmpty { bytes.writeBytes(error.fields) }
        finishHead(&bytes, length: document.count)
        if !isHead { bytes.writeBytes(document) }
        write(bytes)
    }

    /// ``finishHead(_:length:)`` with the document behind it.
    func finishHead(_ bytes: inout ByteBuffer, document: ByteBuffer) {
        let length = document.readableBytes
        HeadWriter.write(to: &bytes, capacity: 64 + length) { writer in
            writer.write("content-length: ")
            writer.write(decimal: length)
            switch (willKeepAlive, head.minorVersion) {
            case (false, _): writer.write("\r\nconnection: close\r\n\r\n")
            case (true, 0): writer.write("\r\nconnection: keep-alive\r\n\r\n")
            default: writer.write("\r\n\r\n")
            }
            document.withUnsafeReadableBytes { writer.write($0) }
        }
    }

    func finishHead(_ bytes: inout ByteBuffer, length: Int) {
        ResponseHead.writeField("content-length", length, into: &bytes)
        if !willKeepAlive {
            bytes.writeStaticString("connection: close\r\n\r\n")
        } else {
            // An HTTP/1.0 client that asked for it has to be told that the connection stays open.
            bytes.writeStaticString(head.minorVersion == 0 ? "connection: keep-alive\r\n\r\n" : "\r\n")
        }
    }
}
