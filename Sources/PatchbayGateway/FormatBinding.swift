import PatchbayCore
import PatchbayHost
import PatchbayRouting

/// What one wire format means in a configuration: worked out once, so that a request compares no names.
final class FormatBinding: Sendable {
    let format: WireFormat
    /// The format's id, for plugins.
    let name: StableBytes
    /// nil when no loaded plugin knows the format: its bodies can only be passed on.
    let codec: FormatCodec?
    /// The format alone; empty when no site speaks it.
    let own: FormatSet
    /// The formats that a request in this one can be sent in.
    let sendable: FormatSet

    init(_ format: WireFormat, codec: FormatCodec?, table: RoutingTable, convertible: FormatSet) {
        self.format = format
        self.codec = codec
        name = StableBytes(format.rawValue)
        own = table.formatSet([format])
        sendable = codec == nil ? own : own.union(convertible)
    }
}
