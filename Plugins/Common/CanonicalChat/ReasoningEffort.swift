/// The words for how much a model should think, and what they mean in tokens.
package enum ReasoningEffort: String, Sendable, Hashable, CaseIterable, Comparable {
    case none, minimal, low, medium, high, xhigh, max

    package static func < (left: ReasoningEffort, right: ReasoningEffort) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// Tokens for formats that take a budget; `max` depends on the length of the answer.
    package func budget(maxOutput: Int?) -> Int {
        switch self {
        case .none: 0
        case .minimal: 1024
        case .low: 2048
        case .medium: 8192
        case .high: 16384
        case .xhigh: 32768
        case .max: min((maxOutput ?? 65536 + 1024) - 1024, 65536)
        }
    }

    /// The word for a budget; nil for a budget that the model chooses itself.
    package init?(budget: Int) {
        switch budget {
        case ..<0: return nil
        case 0: self = .none
        case ...1024: self = .minimal
        case ...4096: self = .low
        case ...12288: self = .medium
        case ...24576: self = .high
        case ...49152: self = .xhigh
        default: self = .max
        }
    }

    /// The strongest of `supported` that is not stronger than this; the weakest one if all are.
    package func supported(by supported: [String]?) -> ReasoningEffort {
        guard let known = supported?.compactMap(ReasoningEffort.init(rawValue:)).sorted(), let weakest = known.first
        else { return self }
        return known.last { $0 <= self } ?? weakest
    }
}

extension CanonicalReasoningRequest {
    /// The effort that was asked for, as a word, whichever way the client said it.
    package var effortWord: ReasoningEffort? {
        if let effort { return ReasoningEffort(rawValue: effort) }
        if let budget { return ReasoningEffort(budget: budget) }
        return mode == .off ? ReasoningEffort.none : nil
    }
}
