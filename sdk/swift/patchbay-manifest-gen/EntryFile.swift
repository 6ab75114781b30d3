/// The Swift file with the entry function and the manifest section of a plugin.
enum EntryFile {
    static func text(for manifest: Manifest) -> String {
        let symbol = "patchbay_entry_v1__" + manifest.id.replacing("-", with: "_")
        return """
            // Generated from plugin.json.
            import PatchbayPlugin

            /// The manifest where the host reads it without running code.
            @section(".patchbay.manifest") @used
            private let patchbayManifest: InlineArray<\(manifest.text.count), UInt8> = [
            \(byteLines(manifest.text))
            ]

            private let patchbayModule = PluginModule(
                \(manifest.type).self, id: "\(manifest.id)",
                manifest: \(literal(manifest.text)))

            /// The one function that the image exports.
            @c(\(symbol))
            public func \(symbol)(_ host: UnsafeRawPointer?) -> UnsafeRawPointer? {
                patchbayModule.pointer
            }

            """
    }

    private static func byteLines(_ bytes: [UInt8]) -> String {
        stride(from: 0, to: bytes.count, by: 24).map { start in
            "    " + bytes[start..<min(start + 24, bytes.count)].map { "\($0)," }.joined(separator: " ")
        }.joined(separator: "\n")
    }

    /// A string literal in one line.
    private static func literal(_ bytes: [UInt8]) -> String {
        var text = "\""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case " "..."~": text.unicodeScalars.append(scalar)
            default: text += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return text + "\""
    }
}
