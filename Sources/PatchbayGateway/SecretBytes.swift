import PatchbayCore
import PatchbayHost

/// The secrets of an account as the bytes that go over the wire, found by name without making strings.
struct SecretBytes: Sendable {
    private struct Entry: Sendable {
        let name: [UInt8]
        let value: [UInt8]
        /// It has no control characters, which would end a header field.
        let isSendable: Bool
    }

    private let entries: [Entry]
    /// Of the longest value, when it is written percent-encoded.
    let longest: Int

    init(_ secrets: [String: Secret]) {
        entries = secrets.map { name, secret in
            let value = Array(secret.reveal().utf8)
            return Entry(
                name: Array(name.utf8), value: value,
                isSendable: !value.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f })
        }
        longest = 3 * (entries.map(\.value.count).max() ?? 0)
    }

    /// Bytes that a text of so many bytes can grow to when its placeholders are filled in.
    func expandedCount(of count: Int) -> Int {
        // The shortest placeholder is `${secret:x}`.
        count + (count / 11 + 1) * longest
    }

    /// Writes `bytes` with every placeholder replaced.
    ///
    /// - Parameter isURL: values are percent-encoded.
    func write(
        _ bytes: UnsafeRawBufferPointer, isURL: Bool, into writer: inout HeadWriter
    ) throws(ChannelUnusable) {
        var position = 0
        while let placeholder = try nextPlaceholder(in: bytes, from: position) {
            writer.write(UnsafeRawBufferPointer(rebasing: bytes[position..<placeholder.range.lowerBound]))
            let name = UnsafeRawBufferPointer(rebasing: bytes[placeholder.name])
            guard let entry = entry(named: name) else {
                let failure = SecretTemplate.Failure(code: .unknownName, name: String(decoding: name, as: UTF8.self))
                throw ChannelUnusable(reason: failure.sentence)
            }
            guard entry.isSendable else {
                throw ChannelUnusable(reason: "a secret of the account has control characters")
            }
            entry.value.withUnsafeBytes { value in
                if isURL { writePercentEncoded(value, into: &writer) } else { writer.write(value) }
            }
            position = placeholder.range.upperBound
        }
        writer.write(UnsafeRawBufferPointer(rebasing: bytes[position...]))
    }

    private func nextPlaceholder(
        in bytes: UnsafeRawBufferPointer, from position: Int
    ) throws(ChannelUnusable) -> SecretTemplate.Placeholder? {
        do throws(SecretTemplate.Failure) {
            return try SecretTemplate.nextPlaceholder(in: bytes, from: position)
        } catch {
            throw ChannelUnusable(reason: error.sentence)
        }
    }

    private func writePercentEncoded(_ value: UnsafeRawBufferPointer, into writer: inout HeadWriter) {
        let digits: StaticString = "0123456789ABCDEF"
        for byte in value {
            switch byte {
            case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x5f, 0x2d, 0x2e, 0x7e: writer.write(byte)
            default:
                writer.write(UInt8(ascii: "%"))
                writer.write(digits.utf8Start[Int(byte >> 4)])
                writer.write(digits.utf8Start[Int(byte & 15)])
            }
        }
    }

    private func entry(named name: UnsafeRawBufferPointer) -> Entry? {
        for entry in entries where entry.name.withUnsafeBytes({ name.equals($0) }) { return entry }
        return nil
    }
}

extension SecretBytes: CustomStringConvertible, CustomReflectable {
    var description: String { "[secrets]" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
