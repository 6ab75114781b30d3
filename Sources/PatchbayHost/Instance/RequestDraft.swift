internal import CPatchbay

/// What `prepare` decides about a request. Reusable: all bytes lie in one piece of memory that is kept.
///
/// Header values may hold `${secret:NAME}` placeholders; the sender fills them in with ``SecretTemplate``.
package final class RequestDraft {
    package typealias Span = Range<Int>

    package struct Header {
        /// As the plugin wrote it.
        package var name: Span
        /// nil = the header must not be sent, even if the client sent one.
        package var value: Span?
        /// The value has placeholders.
        package var hasSecret: Bool
    }

    package struct Patch {
        /// A JSON pointer of one or two parts, such as `/model`.
        package var pointer: Span
        /// The new JSON value; nil = remove the member.
        package var value: Span?
    }

    /// What the spans below refer to.
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
    private var count = 0
    package private(set) var url: Span = 0..<0
    /// Empty = POST.
    package private(set) var method: Span = 0..<0
    package private(set) var headers: ContiguousArray<Header> = []
    package private(set) var patches: ContiguousArray<Patch> = []

    package init() {
        headers.reserveCapacity(16)
    }

    deinit {
        memory.deallocate()
    }

    /// Forgets the content and keeps the memory.
    package func removeAll() {
        count = 0
        if !headers.isEmpty { headers.removeAll(keepingCapacity: true) }
        if !patches.isEmpty { patches.removeAll(keepingCapacity: true) }
        url = 0..<0
        method = 0..<0
    }

    /// Bytes of everything that was set.
    package var byteCount: Int { count }

    /// The bytes of a span, valid until the draft is changed.
    package func bytes(of span: Span) -> UnsafeRawBufferPointer {
        precondition(span.upperBound <= count, "a span belongs to the draft it was made for")
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[span])
    }

    /// A span as text; allocates.
    package func text(_ span: Span) -> String {
        String(decoding: bytes(of: span), as: UTF8.self)
    }

    // MARK: - Building

    static let urlLimit = 16_384
    static let headerLimit = 64
    static let storageLimit = 4 << 20

    private func append(_ bytes: UnsafeRawBufferPointer) -> Span {
        let start = count
        if bytes.count > memory.count - count { grow(by: bytes.count) }
        if let source = bytes.baseAddress, let target = memory.baseAddress {
            (target + start).copyMemory(from: source, byteCount: bytes.count)
        }
        count += bytes.count
        return start..<count
    }

    private func grow(by more: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(memory.count * 2, count + more), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
        memory.deallocate()
        memory = larger
    }

    private func hasRoom(for more: Int) -> Bool {
        more <= Self.storageLimit - count
    }

    func setURL(_ bytes: UnsafeRawBufferPointer) -> pb_status {
        guard bytes.count <= Self.urlLimit, hasRoom(for: bytes.count) else { return Status.tooLarge }
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return Status.invalid }
        url = append(bytes)
        return Status.ok
    }

    func setMethod(_ bytes: UnsafeRawBufferPointer) -> pb_status {
        guard (1...16).contains(bytes.count), bytes.allSatisfy({ (0x41...0x5a).contains($0) }) else {
            return Status.invalid
        }
        method = append(bytes)
        return Status.ok
    }

    func setHeader(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> pb_status {
        guard HeaderRules.isName(name), HeaderRules.isValue(value) else { return Status.invalid }
        guard hasRoom(for: name.count + value.count) else { return Status.tooLarge }
        let known = headers.firstIndex { matches($0.name, name) }
        guard known != nil || headers.count < Self.headerLimit else { return Status.tooLarge }
        let header = Header(
            name: append(name), value: value.baseAddress == nil ? nil : append(value),
            hasSecret: SecretTemplate.hasPlaceholder(value))
        if let known { headers[known] = header } else { headers.append(header) }
        return Status.ok
    }

    func addPatch(_ pointer: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> pb_status {
        guard pointer.first == 0x2f, pointer.count > 1, pointer.lazy.filter({ $0 == 0x2f }).count <= 2 else {
            return Status.invalid
        }
        guard patches.count < Self.headerLimit, hasRoom(for: pointer.count + value.count) else {
            return Status.tooLarge
        }
        patches.append(
            Patch(pointer: append(pointer), value: value.baseAddress == nil ? nil : append(value)))
        return Status.ok
    }

    private func matches(_ span: Span, _ name: UnsafeRawBufferPointer) -> Bool {
        guard span.count == name.count else { return false }
        let bytes = bytes(of: span)
        for offset in 0..<name.count where HeaderRules.lower(bytes[offset]) != HeaderRules.lower(name[offset]) {
            return false
        }
        return true
    }
}

/// RFC 9110: what may stand in a header.
enum HeaderRules {
    static func isName(_ bytes: UnsafeRawBufferPointer) -> Bool {
        !bytes.isEmpty && bytes.count <= 256 && bytes.allSatisfy(isToken)
    }

    static func isValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count <= 65_536 && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }

    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c,
            0x7e:
            true
        default: false
        }
    }

    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 {
        (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
    }
}
