/// Bounds on what a peer may make the HTTP parsers hold or count. Sizes in bytes.
package struct HTTPLimits: Sendable, Hashable {
    /// A whole head: start line, fields, final empty line.
    package var headBytes: Int
    /// Number of fields in a head.
    package var fields: Int
    /// The request-target.
    package var targetBytes: Int

    package init(headBytes: Int = 65_536, fields: Int = 128, targetBytes: Int = 16_384) {
        self.headBytes = min(headBytes, Int(Int32.max))
        self.fields = fields
        self.targetBytes = targetBytes
    }
}
