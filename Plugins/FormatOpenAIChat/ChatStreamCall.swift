import CanonicalChat
import PatchbayWire

/// A tool call of which deltas arrive.
struct ChatStreamCall {
    /// How the server tells its calls apart.
    enum Key: Equatable {
        case index(Int)
        case id
        case none
        case legacy
    }

    let key: Key
    let isCustom: Bool
    private(set) var id = ""
    private(set) var name = ""
    /// Google's signature of the thought that led to it.
    var signature: String?
    /// The ordinal of its part, once opened.
    var part: Int?
    /// Arguments that were not delivered yet.
    var pending = ""
    /// It came whole and is closed already.
    private(set) var isDelivered = false
    private var joiner = SurrogateJoiner()

    /// Its part is open, and nothing is held back.
    var isSteady: Bool { part != nil && !isDelivered && pending.isEmpty && !joiner.isWaiting && !isCustom }

    init(key: Key, isCustom: Bool) {
        self.key = key
        self.isCustom = isCustom
    }

    init(delivered call: CanonicalToolCall, part: Int) {
        key = .id
        isCustom = call.kind == .custom
        id = call.id
        name = call.name
        self.part = part
        isDelivered = true
    }

    /// Ids and names may be repeated; the first ones count.
    mutating func learn(id: String, name: String) {
        if self.id.isEmpty { self.id = id }
        if self.name.isEmpty { self.name = name }
    }

    /// Arguments come as fragments of text; some servers send the object itself.
    mutating func append(_ arguments: JSONIndex, _ tape: borrowing JSONTape) {
        switch tape.kind(arguments) {
        case .string: pending += joiner.text(tape, arguments)
        case .null: break
        default: pending += JSONValue(tape, arguments).description
        }
    }

    mutating func flush() {
        pending += joiner.flush()
    }
}
