/// A response head: spans into the bytes it was parsed from. Reuse one value for many heads.
package struct HTTPResponseHead: Sendable {
    /// 100...999.
    package var status = 0
    /// 0 or 1.
    package var minorVersion: UInt8 = 1
    package var fields = ContiguousArray<HTTPField>()
    package var framing = HTTPBodyFraming.none
    /// The upstream leaves the connection open after this response.
    package var keepAlive = false

    package init() {}

    /// 1xx: another head follows.
    package var isInformational: Bool { status < 200 }
}
