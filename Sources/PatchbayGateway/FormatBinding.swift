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
    /// The formats that a request in this one can be sent in: itself, and those whose plugins know the same operation.
    /// Legacy completions are for those who ask for them: they continue a text, which is no answer to a conversation.
    let sendable: FormatSet
    /// The same by name.
    private let targets: [WireFormat]

    init(_ format: WireFormat, codecs: [WireFormat: FormatCodec], table: RoutingTable) {
        let codec = codecs[format]
        self.format = format
        self.codec = codec
        name = StableBytes(format.rawValue)
        own = table.formatSet([format])
        let operations = codec?.operations ?? []
        let others = codecs.values.filter {
            $0.format != .openAICompletions && !$0.operations.isDisjoint(with: operations)
        }
        targets = [format] + others.map(\.format)
        sendable = table.formatSet(targets)
    }

    /// ``sendable`` in another table.
    func formats(of table: RoutingTable) -> FormatSet { table.formatSet(targets) }
}
