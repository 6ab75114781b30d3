/// The C header with the manifest of a plugin, for plugins in C and C++.
enum HeaderFile {
    static func text(for manifest: Manifest) -> String {
        let lines = String(decoding: manifest.text, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        let literals = lines.enumerated().map { index, line in
            "    \"" + escape(line) + (index < lines.count - 1 ? "\\n\"" : "\"")
        }
        return """
            /* Generated from plugin.json. */
            #define PLUGIN_ID "\(manifest.id)"
            #define PLUGIN_MANIFEST \\
            \(literals.joined(separator: " \\\n"))

            """
    }

    private static func escape(_ line: Substring) -> String {
        line.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "\""): text += "\\\""
            case UInt8(ascii: "\\"): text += "\\\\"
            case UInt8(ascii: "?"): text += "\\?"
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "\\" + octal(byte)
            }
        }
    }

    private static func octal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 8)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}
