import NIOCore

/// Writes the heads of answers to clients straight into a buffer.
enum ResponseHead {
    /// The status line.
    static func writeStatus(_ status: Int, into buffer: inout ByteBuffer) {
        if status == 200 {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            buffer.writeStaticString("HTTP/1.1 ")
            buffer.writeDecimal(status)
            buffer.writeStaticString(" ")
            buffer.writeString(reason(status))
            buffer.writeStaticString("\r\n")
        }
    }

    @inline(__always)
    static func writeStatus(_ status: Int, into writer: inout HeadWriter) {
        if status == 200 { return writer.write("HTTP/1.1 200 OK\r\n") }
        writer.write("HTTP/1.1 ")
        writer.write(decimal: status)
        writer.write(" ")
        writer.write(text: reason(status))
        writer.write("\r\n")
    }

    /// ``writeRequestID(_:dialect:into:)`` for a text; at most 90 bytes.
    @inline(__always)
    static func writeRequestID(_ id: RequestID, dialect: Dialect, into writer: inout HeadWriter) {
        writer.write("x-request-id: ")
        writer.write(id)
        if dialect == .anthropic {
            writer.write("\r\nrequest-id: ")
            writer.write(id)
        }
        writer.write("\r\n")
    }

    static func writeField(_ name: StaticString, _ value: String, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
    }

    static func writeField(_ name: StaticString, _ value: Int, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(name)
        buffer.writeStaticString(": ")
        buffer.writeDecimal(value)
        buffer.writeStaticString("\r\n")
    }

    /// The request id under both names that official clients read: `x-request-id` (OpenAI) and `request-id`
    /// (Anthropic).
    static func writeRequestID(_ id: String, dialect: Dialect, into buffer: inout ByteBuffer) {
        writeField("x-request-id", id, into: &buffer)
        if dialect == .anthropic { writeField("request-id", id, into: &buffer) }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 508: "Loop Detected"
        case 529: "Overloaded"
        default: "Status"
        }
    }
}

extension ByteBuffer {
    /// Writes a whole number of at least zero in decimal, without making a string.
    mutating func writeDecimal(_ number: Int) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { bytes in
            var index = bytes.count
            var rest = UInt64(max(0, number))
            repeat {
                index -= 1
                bytes[index] = UInt8(48 + rest % 10)
                rest /= 10
            } while rest > 0
            writeBytes(UnsafeRawBufferPointer(rebasing: bytes[index...]))
        }
    }

    /// Writes a chunk of the chunked coding (RFC 9112 section 7.1): its size, its bytes and the line end.
    mutating func writeChunk(_ chunk: [UInt8]) {
        let digits = max(1, (Int.bitWidth - chunk.count.leadingZeroBitCount + 3) / 4)
        let total = digits + 2 + chunk.count + 2
        writeWithUnsafeMutableBytes(minimumWritableBytes: total) { room in
            var rest = chunk.count
            for index in stride(from: digits - 1, through: 0, by: -1) {
                let digit = UInt8(truncatingIfNeeded: rest & 15)
                room[index] = digit < 10 ? 48 + digit : 87 + digit
                rest >>= 4
            }
            room[digits] = 0x0d
            room[digits + 1] = 0x0a
            let place = UnsafeMutableRawBufferPointer(rebasing: room[(digits + 2)...])
            chunk.withUnsafeBytes { place.copyMemory(from: $0) }
            room[total - 2] = 0x0d
            room[total - 1] = 0x0a
            return total
        }
    }
}
