import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Text that arrives in deltas and once more as a whole: what has been delivered of it.
struct ResponsesDelivered {
    private(set) var count = 0
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    private var joiner = SurrogateJoiner()

    /// The text of one delta.
    mutating func text(_ tape: borrowing JSONTape, _ value: JSONIndex) -> String {
        let text = joiner.text(tape, value)
        add(text)
        return text
    }

    mutating func add(_ text: String) {
        count += text.utf8.count
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }

    /// What of the whole text has not been delivered; nothing if the deltas said something else.
    mutating func rest(of whole: String) -> String {
        let bytes = whole.utf8
        guard bytes.count > count else { return "" }
        var prefix = ResponsesDelivered()
        guard let text = String(bytes.prefix(count)), let rest = String(bytes.dropFirst(count)) else { return "" }
        prefix.add(text)
        guard prefix.hash == hash else { return "" }
        add(rest)
        return rest
    }

    mutating func flush() -> String { joiner.flush() }
}

/// An item of a stream, as far as it has come.
struct ResponsesStreamItem {
    enum Kind {
        case message, reasoning, function, custom, other

        init(_ type: String) {
            self =
                switch type {
                case "message": .message
                case "reasoning": .reasoning
                case "function_call": .function
                case "custom_tool_call": .custom
                default: .other
                }
        }

        var isCall: Bool {
            switch self {
            case .function, .custom: true
            default: false
            }
        }
    }

    /// One content part of a message.
    struct Content {
        let index: Int
        let kind: PartKind
        let part: Int
        var delivered = ResponsesDelivered()
        var notes = 0
        var isClosed = false
    }

    /// `output_index`; servers that leave it out are known by the id.
    let index: Int
    var id: String
    var kind: Kind
    var contents: [Content] = []
    /// The part of reasoning or of a call, once opened.
    var part: Int?
    var delivered = ResponsesDelivered()
    /// Where the text of reasoning comes from, of the two places that servers use.
    var reasonsInContent: Bool?
    /// Number of the segment that the last text belonged to.
    var segment: Int?
    var isDone = false

    init(index: Int, id: String, kind: Kind) {
        self.index = index
        self.id = id
        self.kind = kind
    }
}
