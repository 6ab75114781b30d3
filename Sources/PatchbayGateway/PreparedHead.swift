import PatchbayHost
import PatchbayWire

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What a platform plugin decided about requests of one kind to a channel, as the bytes that begin their heads: the
/// request line, `Host`, the fields of the site and of the plugin, with secrets filled in.
///
/// Belongs to a ``CandidateSlot``, so it is gone with the configuration and the credential that it was made of.
final class PreparedHead {
    /// What prepare could see besides what the channel says; the same of these means the same answer.
    struct Question {
        let format: FormatBinding
        let operation: UnsafeRawBufferPointer
        let isStream: Bool
        let model: UnsafeRawBufferPointer
        /// Without a base address: there is none.
        let query: UnsafeRawBufferPointer
    }

    private let format: FormatBinding
    private let operation: [UInt8]
    private let isStream: Bool
    private let model: [UInt8]
    private let query: [UInt8]?
    /// Headers of the client that prepare asked for, and what it was told.
    private let asked: [HeaderView.Asked]
    /// Names of fields that are in `bytes` or must not be sent.
    private let ownNames: [[UInt8]]
    private let memory: UnsafeMutableRawBufferPointer

    init(
        _ question: Question, asked: [HeaderView.Asked], ownNames: [[UInt8]], bytes: UnsafeRawBufferPointer
    ) {
        format = question.format
        operation = Array(question.operation)
        isStream = question.isStream
        model = Array(question.model)
        query = question.query.baseAddress == nil ? nil : Array(question.query)
        self.asked = asked
        self.ownNames = ownNames
        memory = .allocate(byteCount: max(bytes.count, 1), alignment: 16)
        memory.copyMemory(from: bytes)
        count = bytes.count
    }

    deinit {
        // There are secrets in it.
        if let base = memory.baseAddress { explicit_bzero(base, memory.count) }
        memory.deallocate()
    }

    /// Of ``bytes``.
    let count: Int

    /// Valid as long as the object.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Whether it answers the question, asked on behalf of a client with these headers.
    func answers(_ question: Question, _ headers: HeaderView) -> Bool {
        guard format === question.format, isStream == question.isStream,
            model.withUnsafeBytes({ question.model.equals($0) }),
            operation.withUnsafeBytes({ question.operation.equals($0) }), isQuery(question.query)
        else { return false }
        return asked.allSatisfy { headers.answersAgain($0) }
    }

    private func isQuery(_ other: UnsafeRawBufferPointer) -> Bool {
        guard let query else { return other.baseAddress == nil }
        return other.baseAddress != nil && query.withUnsafeBytes { other.equals($0) }
    }

    /// Whether a field of the client with this name stays here.
    func hasField(_ name: UnsafeRawBufferPointer) -> Bool {
        ownNames.contains { own in own.withUnsafeBytes { $0.equalsIgnoringCase(name) } }
    }
}

extension PreparedHead: CustomStringConvertible, CustomReflectable {
    var description: String { "[prepared head]" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The whole head of a request to an upstream but for the length of the body, for as long as a connection sends
/// requests that lead to the same one.
final class KnownUpstreamHead {
    /// Of the client's head; see ``ClientConnection/headSerial``.
    let serial: Int
    let slot: CandidateSlot
    let prepared: PreparedHead
    let format: FormatBinding
    let isSameFormat: Bool
    let isStream: Bool
    let model: [UInt8]
    /// The fields of the client that go along.
    let fields: [UInt8]

    init(
        serial: Int, slot: CandidateSlot, prepared: PreparedHead, attempt: borrowing AttemptState,
        format: FormatBinding, model: [UInt8], fields: [UInt8]
    ) {
        self.serial = serial
        self.slot = slot
        self.prepared = prepared
        self.format = format
        isSameFormat = attempt.isSameFormat
        isStream = attempt.streams
        self.model = model
        self.fields = fields
    }
}
