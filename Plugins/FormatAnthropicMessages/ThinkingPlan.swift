import CanonicalChat
import PatchbayPlugin

/// How much the model shall think, in the way that the upstream model takes it.
struct ThinkingPlan {
    enum Form: Equatable {
        case absent
        case disabled
        case budget(Int)
        case adaptive
    }

    private(set) var form = Form.absent
    private(set) var effort: String?
    /// `max_tokens` of the request.
    private(set) var maxTokens: Int

    var isOn: Bool {
        switch form {
        case .budget, .adaptive: true
        case .absent, .disabled: false
        }
    }

    init(_ request: borrowing CanonicalRequest, context: inout ConversionContext) {
        var given = request.limits.maxOutput
        if let asked = given, let most = context.profile.maxOutput, asked > most, !request.isOfMessages {
            context.lose(.degrade, "limits.max_output", at: "/limits/max_output")
            given = most
        }
        maxTokens = given ?? context.profile.maxOutput ?? MessagesFormat.defaultMaximum
        let asked = request.reasoning
        guard !asked.isEmpty, !request.isOfMessages else { return }
        let wanted = asked.effortWord ?? (asked.mode == .on ? .medium : nil)
        let modes = context.profile.thinkingModes
        let isNew = context.dialect == MessagesFormat.strictDialect
        if wanted == ReasoningEffort.none || asked.mode == .off {
            turnOff(modes, isNew: isNew, &context)
            return
        }
        if modes?.isEmpty == true {
            context.lose(.degrade, "reasoning.effort", at: "/reasoning")
            return
        }
        let takesAdaptive = modes.map { $0.contains("adaptive") || $0.contains("adaptive_always") } ?? isNew
        if takesAdaptive && !(modes?.contains("budget") == true && asked.budget != nil) {
            form = .adaptive
            if let word = wanted ?? asked.budget.flatMap(ReasoningEffort.init(budget:)) {
                // The format has no word below low.
                effort = Swift.max(word, .low).supported(by: context.profile.efforts).rawValue
            }
        } else if let wanted {
            takeBudget(wanted.budget(maxOutput: given), asked: asked.budget, given: given, &context)
        } else {
            takeBudget(ReasoningEffort.medium.budget(maxOutput: given), asked: asked.budget, given: given, &context)
        }
    }

    private mutating func turnOff(_ modes: Set<String>?, isNew: Bool, _ context: inout ConversionContext) {
        if let modes, !modes.isEmpty {
            if modes.contains("off") {
                form = .disabled
            } else if modes.contains("adaptive") || modes.contains("adaptive_always") {
                form = .adaptive
                effort = ReasoningEffort.low.rawValue
                context.lose(.degrade, "reasoning.mode", at: "/reasoning/mode")
            }
        } else if modes == nil, isNew {
            effort = ReasoningEffort.low.rawValue
            context.lose(.degrade, "reasoning.mode", at: "/reasoning/mode")
        }
    }

    /// The budget has to be at least 1024 and smaller than `max_tokens`. One that only an effort stands for leaves a
    /// quarter of the tokens to the answer.
    private mutating func takeBudget(
        _ wanted: Int, asked: Int?, given: Int?, _ context: inout ConversionContext
    ) {
        var budget = Swift.max(asked ?? wanted, 1024)
        if let maximum = context.profile.thinkingBudgetMax { budget = min(budget, maximum) }
        if let given {
            let room = asked == nil ? Swift.max(given / 4 * 3, min(1024, given - 1)) : given - 1
            if budget > room {
                context.lose(.degrade, "reasoning.budget", at: "/reasoning")
                budget = room
            }
            guard budget >= 1024 else { return }
        } else {
            let cap = context.profile.maxOutput
            maxTokens = min(maxTokens + budget, cap.map { Swift.max($0, budget + 1) } ?? .max)
        }
        form = .budget(budget)
    }

    /// Gives up thinking for this request.
    mutating func disable() {
        form = .absent
    }
}
