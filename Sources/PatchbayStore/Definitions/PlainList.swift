/// Lists of words as the store itself writes them: `["a","b"]`. Whatever has escapes or anything else in it is left to
/// SQLite's JSON functions; there are ten thousand keys whose list is `["*"]`.
enum PlainList {
    /// Nil unless the text is such a list without a backslash.
    static func words(_ json: String) -> [String]? {
        if json == #"["*"]"# { return ["*"] }
        var json = json
        return json.withUTF8 { words(in: $0) }
    }

    private static func words(in bytes: UnsafeBufferPointer<UInt8>) -> [String]? {
        guard bytes.count >= 2, bytes[0] == UInt8(ascii: "["), bytes[bytes.count - 1] == UInt8(ascii: "]") else {
            return nil
        }
        var words: [String] = []
        var position = 1
        while position < bytes.count - 1 {
            guard bytes[position] == UInt8(ascii: "\"") else { return nil }
            let start = position + 1
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\"")),
                !bytes[start..<end].contains(UInt8(ascii: "\\"))
            else { return nil }
            words.append(String(decoding: bytes[start..<end], as: UTF8.self))
            position = end + 1
            guard position < bytes.count - 1 else { break }
            guard bytes[position] == UInt8(ascii: ","), position + 1 < bytes.count - 1 else { return nil }
            position += 1
        }
        return words
    }
}
