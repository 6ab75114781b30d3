import CPatchbay

/// A byte that gives the empty text an address, because an address of NULL means absent.
private struct EmptyText: @unchecked Sendable {  // immutable after creation, never freed
    let address: UnsafePointer<CChar>

    static let shared: EmptyText = {
        let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        byte.initialize(to: 0)
        return EmptyText(address: UnsafePointer(byte))
    }()
}

extension pb_str {
    /// A view of present bytes; an empty buffer gives the empty text.
    @inline(__always)
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let base = bytes.baseAddress {
            self.init(ptr: UnsafeRawPointer(base).assumingMemoryBound(to: CChar.self), len: UInt64(bytes.count))
        } else {
            self.init(ptr: EmptyText.shared.address, len: 0)
        }
    }

    /// The same view; absent stays absent.
    @inline(__always)
    init(_ view: ByteView) {
        self.init(
            ptr: view.base.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }, len: UInt64(view.count))
    }
}

extension ByteView {
    @inline(__always)
    init(_ view: pb_str) {
        self.init(
            base: view.ptr.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) },
            count: Int(clamping: view.len))
    }
}

/// Calls `body` with the text as a view that is valid during the call.
@inline(__always)
func withView<Result>(_ text: String, _ body: (pb_str) -> Result) -> Result {
    var text = text
    return text.withUTF8 { body(pb_str($0)) }
}

/// As above; nil gives the absent view.
@inline(__always)
func withView<Result>(_ text: String?, _ body: (pb_str) -> Result) -> Result {
    guard let text else { return body(pb_str()) }
    return withView(text, body)
}

extension PluginError.Code {
    /// The code of a negative status; unknown ones count as a defect.
    init(status: pb_status) {
        self = PluginError.Code(rawValue: status) ?? .internal
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, never negative.
    var milliseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1000)
        return overflow ? .max : whole &+ UInt64((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
