package import PatchbayCore

/// Text with `${secret:NAME}` placeholders, which the host fills in so that plugins need not see secrets.
///
/// NAME is letters, digits, `_`, `-` and `.`, at most 64 bytes. Any other `$` stands for itself.
package enum SecretTemplate {
    package struct Failure: Error, Sendable, Hashable {
        package enum Code: String, Sendable, Hashable {
            /// No secret has this name.
            case unknownName = "unknown_name"
            /// A placeholder that is not closed, or whose name is not valid.
            case malformed
        }

        package var code: Code
        /// The name as far as it could be read; never a secret.
        package var name: String

        package var sentence: String {
            switch code {
            case .unknownName: "The account has no secret named \"\(name)\"."
            case .malformed: "A placeholder ${secret:NAME} is not closed or its name is not valid."
            }
        }
    }

    /// How the inserted text is written.
    package enum Escaping: Sendable, Hashable {
        case none
        /// Inside of a JSON string.
        case json
        /// Percent-encoded, for a URL.
        case url
    }

    /// Whether there is anything to fill in.
    package static func hasPlaceholder(_ bytes: UnsafeRawBufferPointer) -> Bool {
        nextPlaceholder(in: bytes, from: 0) != nil
    }

    /// Appends `bytes` to `output` with every placeholder replaced.
    ///
    /// - Parameter lookup: the secret of a name, or nil.
    /// - Returns: whether something was replaced.
    /// - Throws: ``Failure``; `output` is then incomplete and must not be used.
    @discardableResult
    package static func expand(
        _ bytes: UnsafeRawBufferPointer, escaping: Escaping = .none, into output: inout [UInt8],
        lookup: (String) -> Secret?
    ) throws(Failure) -> Bool {
        var position = 0
        var replaced = false
        while let start = nextPlaceholder(in: bytes, from: position) {
            output.append(contentsOf: bytes[position..<start])
            let (name, end) = try name(in: bytes, from: start + prefix.count)
            guard let secret = lookup(name) else { throw Failure(code: .unknownName, name: name) }
            append(secret.reveal(), escaping, to: &output)
            position = end
            replaced = true
        }
        output.append(contentsOf: bytes[position...])
        return replaced
    }

    private static let prefix: [UInt8] = Array("${secret:".utf8)

    private static func nextPlaceholder(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        while index + prefix.count <= bytes.count {
            if bytes[index] == 0x24, bytes[index + 1] == 0x7b, bytes[index...].starts(with: prefix) { return index }
            index += 1
        }
        return nil
    }

    private static func name(
        in bytes: UnsafeRawBufferPointer, from start: Int
    ) throws(Failure) -> (name: String, end: Int) {
        var index = start
        while index < bytes.count, index - start <= 64 {
            let byte = bytes[index]
            if byte == 0x7d, index > start {
                return (String(decoding: bytes[start..<index], as: UTF8.self), index + 1)
            }
            guard isNameByte(byte) else { break }
            index += 1
        }
        throw Failure(code: .malformed, name: String(decoding: bytes[start..<index], as: UTF8.self))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x5f, 0x2d, 0x2e: true
        default: false
        }
    }

    private static func append(_ secret: String, _ escaping: Escaping, to output: inout [UInt8]) {
        for byte in secret.utf8 {
            switch escaping {
            case .none:
                output.append(byte)
            case .url:
                if isNameByte(byte) || byte == 0x7e {
                    output.append(byte)
                } else {
                    output.append(0x25)
                    output.append(contentsOf: hexadecimal(byte))
                }
            case .json:
                if byte == 0x22 || byte == 0x5c {
                    output.append(0x5c)
                    output.append(byte)
                } else if byte < 0x20 {
                    output.append(contentsOf: Array("\\u00".utf8))
                    output.append(contentsOf: hexadecimal(byte))
                } else {
                    output.append(byte)
                }
            }
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}
