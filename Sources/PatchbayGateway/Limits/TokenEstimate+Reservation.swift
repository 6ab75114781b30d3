import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

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
    static func reservation(_ body: ByteBuffer, _ fields: RequestFields) -> TokenReservation {
        body.withUnsafeReadableBytes { TokenReservation(prompt: prompt($0), answer: fields.answerLimit) }
    }

    private static func prompt(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count > smallBody else { return bytes.count / bytesPerToken + 1 }
        let files = files(in: bytes)
        return (bytes.count - files.bytes) / bytesPerToken + files.count * image + 1
    }

    /// The strings are what lies between two quotes; where one is escaped, a string counts as two.
    private static func files(in bytes: UnsafeRawBufferPointer) -> (bytes: Int, count: Int) {
        guard let base = bytes.baseAddress else { return (0, 0) }
        var found = (bytes: 0, count: 0)
        var start = 0
        while start < bytes.count {
            let quote = memchr(base + start, CInt(UInt8(ascii: "\"")), bytes.count - start)
            let end = quote.map { UnsafeRawPointer($0) - base } ?? bytes.count
            if end - start > longWord, memchr(base + start, CInt(UInt8(ascii: " ")), 256) == nil {
                found.bytes += end - start
                found.count += 1
            }
            start = end + 1
        }
        return found
    }
}
