/// `<started>-<process>-<nonce>-<loop>.<sequence>.ledger`, all in hexadecimal: the part before the first dot names the
/// writer, and names of one writer sort by sequence.
struct LedgerSegmentName: Hashable, Sendable {
    static let suffix = ".ledger"
    /// Behind the name of a file that is still being made.
    static let unfinishedSuffix = ".ledger.new"

    var writer: String
    var sequence: UInt64

    init(writer: String, sequence: UInt64) {
        self.writer = writer
        self.sequence = sequence
    }

    /// Nil if the file name is not that of a segment.
    init?(_ file: String) {
        let parts = file.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[2] == "ledger", parts[1].utf8.count == 8,
            let sequence = UInt64(parts[1], radix: 16)
        else { return nil }
        self.init(writer: String(parts[0]), sequence: sequence)
    }

    var file: String { "\(writer).\(Self.hexadecimal(sequence, digits: 8))\(Self.suffix)" }

    static func writer(started: Int64, process: UInt32, nonce: UInt32, loop: Int) -> String {
        let parts = [
            hexadecimal(UInt64(bitPattern: started), digits: 12), hexadecimal(UInt64(process), digits: 8),
            hexadecimal(UInt64(nonce), digits: 8), hexadecimal(UInt64(loop), digits: 3),
        ]
        return parts.joined(separator: "-")
    }

    private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
