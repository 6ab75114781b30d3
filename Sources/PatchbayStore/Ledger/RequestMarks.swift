/// What is said of every request in few bits: `status << 16 | attempts << 8 | estimated << 5 | stream << 4 | outcome`.
///
/// The view `requests` takes it apart again.
struct RequestMarks: Sendable, Hashable {
    let rawValue: Int64

    init(status: Int64, attempts: Int64, estimated: Bool, stream: Bool, outcome: UInt8) {
        rawValue =
            status << 16 | min(max(attempts, 0), 255) << 8 | (estimated ? 32 : 0) | (stream ? 16 : 0)
            | Int64(outcome & 15)
    }
}
