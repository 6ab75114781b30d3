/// When a request began, as its id says: the ten characters behind `req_` are the milliseconds since 1970 in
/// Crockford's base 32, so that ids sort by time.
package enum RequestMoment {
    /// Nil if this is no id of a request, or of one that somebody else has named.
    package static func milliseconds(of id: String) -> Int64? {
        var id = id
        return id.withUTF8 { bytes in
            guard bytes.count == 30, bytes.prefix(4).elementsEqual("req_".utf8) else { return nil }
            var value: Int64 = 0
            for byte in bytes[4..<14] {
                guard let digit = digit(byte) else { return nil }
                value = value << 5 | digit
            }
            return value >= 1 << 48 ? nil : value
        }
    }

    private static func digit(_ byte: UInt8) -> Int64? {
        "0123456789abcdefghjkmnpqrstvwxyz".utf8.enumerated().first { $0.element == byte }.map { Int64($0.offset) }
    }
}
