import PatchbayPlugin

/// Names of models as they stand in a path.
enum ModelPath {
    /// `/models/NAME`; tuned models bring the name of their collection.
    static func of(_ model: String) -> String {
        let isNamed = model.hasPrefix("models/") || model.hasPrefix("tunedModels/")
        return (isNamed ? "/" : "/models/") + escaped(model)
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986 and the slashes between parts of a name.
    static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2F:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }

    /// Whether a base URL names the version of the API.
    static func endsInVersion(_ url: ByteView) -> Bool {
        url.hasSuffix("/v1") || url.hasSuffix("/v1beta") || url.hasSuffix("/v1alpha")
    }

    static func endsInVersion(_ url: String) -> Bool {
        url.hasSuffix("/v1") || url.hasSuffix("/v1beta") || url.hasSuffix("/v1alpha")
    }
}
