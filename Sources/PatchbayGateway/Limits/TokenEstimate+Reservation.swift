import NIOCore
import PatchbayWire

/// The tokens that are taken from a key's bucket in advance: as cheap a guess as can be, corrected by what was used.
struct TokenReservation: Equatable {
    /// What the model gets to read.
    var prompt = 0
    /// What it may write at most, as far as the request says so.
    var answer = 0

    var total: Int { prompt.addingReportingOverflow(answer).overflow ? .max : prompt + answer }
}

extension TokenEstimate {
    /// Text has about so many bytes for each token, whatever its language and the model.
    static let bytesPerToken = 4
    /// Bodies below it are text for the most part.
    private static let smallBody = 16_384
    /// A string without a space in its beginning that is longer than this is no text but an image or another file.
    private static let longWord = 4_096

    /// A token for every four bytes and a flat number for files inside the body, and as many as the answer may have.
    static func reservation(_ body: ByteBuffer) -> TokenReservation {
        body.withUnsafeReadableBytes { TokenReservation(prompt: prompt($0), answer: longestAnswer($0)) }
    }

    private static func prompt(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count > smallBody else { return bytes.count / bytesPerToken + 1 }
        let files = files(in: bytes)
        return (bytes.count - files.bytes) / bytesPerToken + files.count * image + 1
    }

    private static func files(in bytes: UnsafeRawBufferPointer) -> (bytes: Int, count: Int) {
        var found = (bytes: 0, count: 0)
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\"")) ?? bytes.endIndex
            if end - start > longWord, !bytes[start..<start + 256].contains(UInt8(ascii: " ")) {
                found.bytes += end - start
                found.count += 1
            }
            start = end + 1
        }
        return found
    }

    /// What the formats call the longest answer that the client wants: Chat Completions has two words for it, one of
    /// them that of Messages, then come Responses and Gemini, which has it one level deeper.
    private static let answerLimits: [StaticString] = [
        "max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "generationConfig",
    ]

    /// 0 where the request leaves it to the model.
    private static func longestAnswer(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let found = try? JSONFieldScanner.scanTopLevel(bytes, names: answerLimits) else { return 0 }
        var longest = 0
        for field in found.dropLast() { longest = max(longest, field?.int(in: bytes) ?? 0) }
        guard let options = found.last ?? nil, options.kind == .object else { return longest }
        return max(longest, longestAnswer(options.bytes(in: bytes)))
    }
}
