import CPatchbay

/// How an attempt ended, or began to end. Valid until `classify` returns; never store it.
public struct Outcome {
    /// Why there was no answer.
    public enum Transport: UInt32, Sendable {
        case none = 0
        case connect = 1
        case tls = 2
        case reset = 3
        case timeout = 4
        case protocolViolation = 5
        case denied = 6
    }

    let record: UnsafePointer<pb_outcome>

    /// 0 when no head arrived.
    public var status: Int { Int(record.pointee.http_status) }
    /// ``Transport/none`` when an answer arrived.
    public var transport: Transport { Transport(rawValue: record.pointee.transport) ?? .protocolViolation }
    public var format: ByteView { ByteView(record.pointee.format) }
    public var operation: ByteView { ByteView(record.pointee.operation) }
    /// The first bytes of the answer (at most 64 KiB), for a stream the data of the first event.
    public var body: ByteView { ByteView(record.pointee.body) }
    /// Already sent to the client: above 0 nothing can be tried again.
    public var bytesToClient: Int { Int(clamping: record.pointee.bytes_to_client) }

    /// A header of the answer (name in lower case), or the absent view.
    public func header(_ name: StaticString) -> ByteView {
        guard let header = record.pointee.header else { return .absent }
        return name.withUTF8Buffer { ByteView(header(record, pb_str($0))) }
    }
}
