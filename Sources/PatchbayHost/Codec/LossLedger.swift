/// Something that a conversion could not carry over.
package struct ConversionLoss: Sendable, Hashable {
    /// The numbers are those of `PB_LOSS_` in `patchbay/codec.h`.
    package enum Severity: UInt32, Sendable, Hashable, Comparable, CaseIterable {
        case info = 1
        case degrade = 2
        case semantic = 3
        case fatal = 4

        package static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }

        package var name: String {
            switch self {
            case .info: "info"
            case .degrade: "degrade"
            case .semantic: "semantic"
            case .fatal: "fatal"
            }
        }
    }

    package var severity: Severity
    /// A short stable word, such as `sampling.top_k`: at most 64 letters, digits, `.`, `_`, `-` and `$`.
    package var code: String
    /// A JSON pointer into the source document; may be empty.
    package var path: String

    package init(severity: Severity, code: String, path: String) {
        self.severity = severity
        self.code = code
        self.path = path
    }

    /// A code as a plugin wrote it, made fit for a header and a metric.
    static func code(_ bytes: UnsafeRawBufferPointer) -> String {
        let known = bytes.prefix(64).map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "$"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        return known.isEmpty ? "unnamed" : String(decoding: known, as: UTF8.self)
    }

    static func path(_ bytes: UnsafeRawBufferPointer) -> String {
        String(String(decoding: bytes.prefix(256), as: UTF8.self).map { $0.isNewline ? " " : $0 })
    }
}

/// The losses of one conversion. Not for use by two threads at once.
package final class LossLedger {
    package private(set) var losses: [ConversionLoss] = []
    /// Losses beyond this many are counted only.
    package static let limit = 64
    /// Warnings beyond this many are summed up in one.
    package static let maximumWarnings = 24
    package private(set) var dropped = 0

    package init() {}

    /// Begins with what another one holds.
    package init(continuing other: LossLedger?) {
        losses = other?.losses ?? []
        dropped = other?.dropped ?? 0
    }

    package func append(_ loss: ConversionLoss) {
        guard !losses.contains(loss) else { return }
        if losses.count < Self.limit { losses.append(loss) } else { dropped += 1 }
    }

    package func contains(_ code: String) -> Bool { losses.contains { $0.code == code } }

    /// Puts one loss in the place of all with a code.
    package func replace(_ code: String, with loss: ConversionLoss) {
        losses.removeAll { $0.code == code }
        append(loss)
    }

    package var worst: ConversionLoss.Severity? { losses.map(\.severity).max() }

    /// Each code once with its worst severity, as `code;severity`, the worst first. Bounded in number and length; what
    /// does not fit is summed up as `more;severity`.
    package var warnings: [String] {
        var worst: [String: ConversionLoss.Severity] = [:]
        var order: [String] = []
        for loss in losses {
            if worst[loss.code] == nil { order.append(loss.code) }
            worst[loss.code] = max(worst[loss.code] ?? .info, loss.severity)
        }
        let sorted = order.enumerated().sorted { left, right in
            let (first, second) = (worst[left.element] ?? .info, worst[right.element] ?? .info)
            return first == second ? left.offset < right.offset : first > second
        }.map(\.element)
        var shown = sorted.prefix(Self.maximumWarnings).map { "\($0);\((worst[$0] ?? .info).name)" }
        if sorted.count > Self.maximumWarnings || dropped > 0 {
            let rest = sorted.dropFirst(Self.maximumWarnings).compactMap { worst[$0] }.max()
            shown.append("more;\((rest ?? .info).name)")
        }
        return shown
    }
}
