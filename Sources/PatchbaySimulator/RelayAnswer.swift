/// What the simulated model says, cut into the pieces that a stream sends one by one.
struct RelayAnswer: Sendable {
    struct ToolCall: Sendable {
        var name: String
        /// JSON text of the arguments.
        var arguments: String
    }

    enum Finish: Sendable, Equatable {
        case done
        case length
        case stopSequence(String)
        case toolCalls
    }

    var reasoning: [String] = []
    var text: [String] = []
    var calls: [ToolCall] = []
    var finish = Finish.done

    var callTokens: Int { calls.reduce(0) { $0 + TokenCounter.count($1.arguments) + 4 } }
    var completionTokens: Int { max(reasoning.count + text.count + callTokens, 1) }

    /// The answer to `prompt`. The same seed and prompt give the same answer.
    init(to prompt: RelayPrompt, reasons: Bool, seed: UInt64) {
        var composer = AnswerComposer(prompt: prompt, seed: seed)
        if reasons || prompt.thinks { reasoning = TokenCounter.pieces(of: composer.reasoning()) }
        let chosen = ToolArguments.calls(for: prompt)
        if chosen.isEmpty {
            text = TokenCounter.pieces(of: composer.text())
            stop(at: prompt.stopSequences)
            limit(to: prompt.maximumTokens)
        } else {
            calls = chosen
            finish = .toolCalls
        }
    }

    private mutating func stop(at sequences: [String]) {
        let whole = text.joined()
        let found = sequences.filter { !$0.isEmpty }.compactMap { sequence in
            whole.firstRange(of: sequence).map { (sequence, $0.lowerBound) }
        }
        guard let first = found.min(by: { $0.1 < $1.1 }) else { return }
        text = TokenCounter.pieces(of: String(whole[..<first.1]))
        finish = .stopSequence(first.0)
    }

    private mutating func limit(to maximum: Int?) {
        guard let maximum, maximum >= 0, reasoning.count + text.count > maximum else { return }
        reasoning = Array(reasoning.prefix(maximum))
        text = Array(text.prefix(maximum - reasoning.count))
        finish = .length
    }
}
