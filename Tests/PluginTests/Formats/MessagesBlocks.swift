import Foundation
import PatchbayWire

/// Content blocks of an encoded Messages stream, read as strictly as the format's clients do.
struct MessagesBlocks {
    struct Block {
        var type: String
        var content = ""
        var signature = ""
    }

    private(set) var list: [Block] = []
    /// Blocks are dense, one after the other, and all closed.
    private(set) var isWellFormed = true
    private(set) var stopReason: String?
    private var open: Int?

    init(_ stream: String) {
        for frame in TestFrame.all(stream) {
            guard let value = try? JSONValue(parsing: frame.data) else {
                isWellFormed = false
                continue
            }
            if value["type"]?.stringValue != frame.event { isWellFormed = false }
            take(value)
        }
        if open != nil { isWellFormed = false }
    }

    private mutating func take(_ value: JSONValue) {
        let index = value["index"]?.intValue
        switch value["type"]?.stringValue {
        case "content_block_start":
            if open != nil || index != list.count { isWellFormed = false }
            open = index
            list.append(Block(type: value["content_block"]?["type"]?.stringValue ?? ""))
        case "content_block_delta":
            guard index == open, index != nil else {
                isWellFormed = false
                return
            }
            let delta = value["delta"]
            list[list.count - 1].content +=
                (delta?["text"] ?? delta?["thinking"] ?? delta?["partial_json"])?.stringValue ?? ""
            list[list.count - 1].signature += delta?["signature"]?.stringValue ?? ""
        case "content_block_stop":
            if index != open { isWellFormed = false }
            open = nil
        case "message_delta": stopReason = value["delta"]?["stop_reason"]?.stringValue
        default: break
        }
    }
}
