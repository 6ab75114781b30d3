package import PatchbayCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

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

        package init(code: Code, name: String) {
            self.code = code
            self.name = name
        }

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
        startOfPlaceholder(in: bytes, from: 0) != nil
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
        while let placeholder = try nextPlaceholder(in: bytes, from: position) {
            output.append(contentsOf: bytes[position..<placeholder.range.lowerBound])
            let name = String(decoding: bytes[placeholder.name], as: UTF8.self)
            guard let secret = lookup(name) else { throw Failure(code: .unknownName, name: name) }
            append(secret.reveal(), escaping, to: &output)
            position = placeholder.range.upperBound
        }
        output.append(contentsOf: bytes[position...])
        return position > 0
    }

    /// A place where a secret goes.
    package struct Placeholder {
        /// All of it, from `$` to `}`.
        package var range: Range<Int>
        package var name: Range<Int>
    }

    /// The first placeholder from an offset on; nil = there is none.
    package static func nextPlaceholder(
        in bytes: UnsafeRawBufferPointer, from start: Int
    ) throws(Failure) -> Placeholder? {
        guard let start = startOfPlaceholder(in: bytes, from: start) else { return nil }
        let name = try name(in: bytes, from: start + prefix.utf8CodeUnitCount)
        return Placeholder(range: start..<name.upperBound + 1, name: name)
    }

    private static var prefix: StaticString { "${secret:" }

    private static func startOfPlaceholder(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress, start < bytes.count else { return nil }
        var index = start
        while let found = memchr(base + index, 0x24, bytes.count - index) {
            index = UnsafeRawPointer(found) - base
            guard index + prefix.utf8CodeUnitCount <= bytes.count else { return nil }
            if memcmp(found, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0 { return index }
            index += 1
        }
        return nil
    }

    private static func name(
        in bytes: UnsafeRawBufferPointer, from start: Int
    ) throws(Failure) -> Range<Int> {
        var index = start
        while index < bytes.count, index - start <= 64 {
            let byte = bytes[index]
            if byte == 0x7d, index > start { return start..<index }
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
