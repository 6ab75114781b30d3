import PatchbayCore
import PatchbayWire

/// What is asked of a model by a Gemini path, after its last colon.
enum GeminiMethod: UInt8, Sendable, CaseIterable {
    case generate
    case stream
    case countTokens
    case embed
    case embedBatch

    var format: WireFormat {
        switch self {
        case .generate, .stream: .geminiGenerate
        case .countTokens: .geminiCountTokens
        case .embed: .geminiEmbed
        case .embedBatch: .geminiEmbedBatch
        }
    }

    var operation: RequestOperation {
        switch self {
        case .generate, .stream: .generate
        case .countTokens: .countTokens
        case .embed, .embedBatch: .embed
        }
    }

    /// The body repeats the name of the model, which stands in the path as well.
    var namesModelInBody: Bool { self != .generate && self != .stream }

    fileprivate var name: StaticString {
        switch self {
        case .generate: "generateContent"
        case .stream: "streamGenerateContent"
        case .countTokens: "countTokens"
        case .embed: "embedContent"
        case .embedBatch: "batchEmbedContents"
        }
    }
}

/// A path of the Gemini API: `/{version}/models/{model}:{method}`, or `/{version}/models/{model}` for one entry of the
/// list. The version may be missing; a model's name may have slashes and colons, so the last colon counts.
struct GeminiPath {
    let endpoint: Endpoint
    /// The name of the model in the path, as it is escaped there.
    let model: Range<Int>
    /// The path exists in the Gemini API alone.
    let isGemini: Bool

    /// nil for any other path.
    init?(_ path: UnsafeRawBufferPointer) {
        var start = 0
        var isVersioned = false
        for version: StaticString in ["/v1beta/", "/v1/", "/v1alpha/"] where path.hasPrefix(version) {
            start = version.utf8CodeUnitCount - 1
            isVersioned = version.utf8CodeUnitCount > 4
            break
        }
        let rest = UnsafeRawBufferPointer(rebasing: path[start...])
        if isVersioned, rest.equals("/models") {
            (endpoint, model, isGemini) = (.models, 0..<0, true)
            return
        }
        let isTuned = rest.hasPrefix("/tunedModels/")
        guard isTuned || rest.hasPrefix("/models/") else { return nil }
        // The name of a tuned model begins with its collection.
        let first = start + (isTuned ? 1 : "/models/".utf8.count)
        if let colon = path.lastIndex(of: UInt8(ascii: ":")), colon > first,
            let method = Self.method(UnsafeRawBufferPointer(rebasing: path[(colon + 1)...]))
        {
            (endpoint, model, isGemini) = (.gemini(method), first..<colon, true)
        } else {
            guard first < path.count else { return nil }
            (endpoint, model, isGemini) = (.model, first..<path.count, isVersioned || isTuned)
        }
    }

    private static func method(_ name: UnsafeRawBufferPointer) -> GeminiMethod? {
        GeminiMethod.allCases.first { name.equals($0.name) }
    }
}

/// Percent-encoded text of paths and queries (RFC 3986 section 2.1).
enum PercentEncoding {
    /// The text behind it; nil if an escape is malformed or the result is no UTF-8.
    static func decoded(_ bytes: some Collection<UInt8>) -> String? {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                output.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                return nil
            }
            output.append(high << 4 | low)
        }
        return String(validating: output, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
