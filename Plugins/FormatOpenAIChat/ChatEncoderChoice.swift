import CanonicalChat
import PatchbayPlugin

/// What the encoder knows of one choice.
struct ChatEncoderChoice {
    let index: Int
    var isAnnounced = false
    var hasText = false
    var hasRefusal = false
    var finish: CanonicalFinish?
    var callCount = 0
    var detailCount = 0
    var notes: [String] = []
    /// Google's signature for the call that comes next.
    var held: String?
    var parts: [ChatEncoderPart?] = []

    init(index: Int) {
        self.index = index
    }

    func part(_ ordinal: Int) -> ChatEncoderPart? {
        parts.indices.contains(ordinal) ? parts[ordinal] : nil
    }

    mutating func set(_ part: ChatEncoderPart, _ ordinal: Int) {
        guard ordinal >= 0, ordinal < 1 << 16 else { return }
        while parts.count <= ordinal { parts.append(nil) }
        parts[ordinal] = part
    }
}

/// What the encoder knows of one part.
struct ChatEncoderPart {
    let kind: PartKind
    /// Dense number of a tool call in its choice.
    var call = 0
    /// Dense number of a reasoning part in its choice.
    var detail = 0
    /// Id of a call, or of reasoning where it has one.
    var callID = ""
    var callName = ""
    var isCustom = false
    /// The arguments are the free text itself.
    var isText = false
    var hasArguments = false
    /// Google's signature of the thought that led to the call.
    var signature: String?
    /// What has to be kept until the part is complete.
    var text = ""
    var mime = ""
}
