import PatchbayCore
import PatchbayStore
import PatchbayWire

/// The opaque content of a compaction item that the gateway has made: a summary, sealed for the key whose conversation
/// it is. It names its origin (formats.md section 3.6), so that no upstream's own is ever taken for it.
struct CompactionSeal {
    let key: SealingKey
    /// Name of the client's key.
    let owner: String

    /// What such content begins with.
    static let mark: StaticString = "pb1:patchbay:compaction::"

    private var place: SealedPlace { SealedPlace(owner: "compaction", row: owner, field: "encrypted_content") }

    func sealed(_ summary: String) throws(StoreError) -> String {
        "\(Self.mark)" + Base64URL.text(try key.seal(Secret(summary), at: place))
    }

    /// The input with a message in place of every item that the gateway has sealed; nil if there is none.
    ///
    /// - Throws: when an item is damaged, or was sealed for another key or by another gateway.
    func opened(_ body: UnsafeRawBufferPointer) throws(GatewayError) -> [UInt8]? {
        guard let found = try? JSONFieldScanner.scanTopLevel(body, names: ["input"]), let input = found[0],
            input.kind == .array, let items = (try? JSONValue(parsing: input.span.bytes(in: body)))?.arrayValue,
            items.contains(where: { Self.content($0) != nil })
        else { return nil }
        var plain: [JSONValue] = []
        for (index, item) in items.enumerated() {
            guard let content = Self.content(item) else {
                plain.append(Self.unnamed(item))
                continue
            }
            guard let sealed = Base64URL.bytes(content), let summary = try? key.open(sealed, at: place) else {
                throw .invalid(
                    "input[\(index)] is a compaction that this gateway has not made for this key, or is damaged",
                    parameter: "input")
            }
            plain.append(["type": "message", "role": "user", "content": .string(Self.preface + summary.reveal())])
        }
        let operation = JSONPatchOperation("input", value: JSONValue.array(plain).serialised())
        var patched: [UInt8] = []
        do {
            try JSONPatch.apply([operation], to: body, into: &patched)
        } catch {
            return nil
        }
        return patched
    }

    private static let preface =
        "Summary of the conversation up to here, in place of what the assistant said and did:\n\n"

    /// A message that came along with a compaction, without the id that it got there: no upstream knows it.
    private static func unnamed(_ item: JSONValue) -> JSONValue {
        guard case .object(var members) = item, item["role"] == "user" else { return item }
        members.remove("id")
        return .object(members)
    }

    /// What stands behind the mark; nil for every other item.
    private static func content(_ item: JSONValue) -> Substring? {
        guard item["type"] == "compaction", let text = item["encrypted_content"]?.stringValue,
            text.hasPrefix("\(mark)")
        else { return nil }
        return text.dropFirst("\(mark)".count)
    }
}

/// RFC 4648 section 5 without padding.
enum Base64URL {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count * 4 + 2) / 3)
        var (pool, bits) = (UInt32(0), 0)
        for byte in bytes {
            pool = pool << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                output.append(letters[Int(pool >> UInt32(bits) & 0x3F)])
            }
        }
        if bits > 0 { output.append(letters[Int(pool << UInt32(6 - bits) & 0x3F)]) }
        return String(decoding: output, as: UTF8.self)
    }

    /// Nil for anything but such letters.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count * 3 / 4)
        var (pool, bits) = (UInt32(0), 0)
        for letter in text.utf8 {
            let value: UInt8
            switch letter {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = letter - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = letter - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = letter + 4
            case UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "_"): value = 63
            default: return nil
            }
            pool = pool << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            output.append(UInt8(truncatingIfNeeded: pool >> UInt32(bits)))
        }
        return output
    }
}
