/// Writes answers: exact ones to a few kinds of question, plausible ones about the subject to all others.
struct AnswerComposer {
    private let prompt: RelayPrompt
    private var random: SeededGenerator

    init(prompt: RelayPrompt, seed: UInt64) {
        self.prompt = prompt
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ seed
        for byte in (prompt.question + prompt.model).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        random = SeededGenerator(seed: hash)
    }

    mutating func text() -> String {
        switch prompt.format {
        case .object:
            let document: Document = ["answer": .string(plainText())]
            return String(decoding: document.bytes, as: UTF8.self)
        case .schema(let schema):
            let names = ToolArguments.properNames(in: prompt.question)
            let value = ToolArguments.value(for: schema, property: "", text: prompt.question, names: names, depth: 0)
            return String(decoding: value.bytes, as: UTF8.self)
        case .text: return plainText()
        }
    }

    func reasoning() -> String {
        if isChinese { return "用户想知道“\(subject)”。先看清问题，再给出简短而直接的回答。" }
        return """
            The user asks about "\(subject)". Let me see what is needed: the message is short, so a direct answer is \
            best. I will check the essentials first and then say it plainly.
            """
    }

    // MARK: Kinds of answers

    private mutating func plainText() -> String {
        if !prompt.toolResults.isEmpty {
            return "According to the tool, the result is: \(prompt.toolResults.joined(separator: "; "))."
        }
        return echo() ?? counting() ?? arithmetic() ?? capital() ?? greeting() ?? essay()
    }

    /// "Say hello", "Reply with exactly: ok".
    private func echo() -> String? {
        let lowered = prompt.question.lowercased()
        for verb in ["reply with", "respond with", "answer with", "repeat after me", "repeat", "say"] {
            guard lowered.hasPrefix(verb) || lowered.hasPrefix("please \(verb)") || lowered.hasPrefix("just \(verb)"),
                let range = prompt.question.lowercased().firstRange(of: verb)
            else { continue }
            let offset = lowered.distance(from: lowered.startIndex, to: range.upperBound)
            var rest = prompt.question.dropFirst(offset).drop { $0 == " " || $0 == ":" }
            for filler in ["exactly", "only", "just", "the word", "the words", "the text", "the phrase"]
            where rest.lowercased().hasPrefix(filler + " ") || rest.lowercased().hasPrefix(filler + ":") {
                rest = rest.dropFirst(filler.count).drop { $0 == " " || $0 == ":" }
            }
            let quotes: Set<Character> = ["\"", "'", "`", "“", "”"]
            while let last = rest.last, quotes.contains(last) || last == "." { rest = rest.dropLast() }
            rest = rest.drop { quotes.contains($0) }
            return rest.isEmpty ? nil : String(rest)
        }
        return nil
    }

    /// "Count from 3 to 7".
    private func counting() -> String? {
        let lowered = prompt.question.lowercased()
        guard lowered.contains("count"), let end = number(after: "to", in: lowered) else { return nil }
        let start = number(after: "from", in: lowered) ?? 1
        guard start <= end, end - start < 500 else { return nil }
        return (start...end).map { String($0) }.joined(separator: ", ")
    }

    private func number(after word: String, in text: String) -> Int? {
        let words = text.split { !($0.isLetter || $0.isNumber) }
        guard let place = words.firstIndex(where: { $0 == word }), place + 1 < words.count else { return nil }
        return Int(words[place + 1])
    }

    private func arithmetic() -> String? {
        let words = prompt.question.lowercased().split { !($0.isNumber || "+-*/x×".contains($0) || $0.isLetter) }
        for place in words.indices.dropFirst().dropLast() {
            guard let left = Int64(words[place - 1]), let right = Int64(words[place + 1]),
                abs(left) < 1 << 31, abs(right) < 1 << 31
            else { continue }
            switch words[place] {
            case "+", "plus": return "\(left) + \(right) = \(left + right)"
            case "-", "minus": return "\(left) - \(right) = \(left - right)"
            case "*", "x", "×", "times": return "\(left) × \(right) = \(left * right)"
            case "/" where right != 0: return "\(left) / \(right) = \(Double(left) / Double(right))"
            default: continue
            }
        }
        return nil
    }

    private func capital() -> String? {
        let capitals = [
            "france": "Paris", "germany": "Berlin", "japan": "Tokyo", "china": "Beijing", "italy": "Rome",
            "spain": "Madrid", "canada": "Ottawa", "brazil": "Brasília", "australia": "Canberra", "egypt": "Cairo",
            "india": "New Delhi", "norway": "Oslo",
        ]
        let lowered = prompt.question.lowercased()
        guard lowered.contains("capital"),
            let found = capitals.sorted(by: { $0.key < $1.key })
                .first(where: { lowered.contains($0.key) })
        else { return nil }
        return "The capital of \(found.key.prefix(1).uppercased() + found.key.dropFirst()) is \(found.value)."
    }

    private func greeting() -> String? {
        let first = prompt.question.lowercased().split { !$0.isLetter }.first ?? ""
        if ["hi", "hello", "hey", "greetings"].contains(first), prompt.question.count < 40 {
            return "Hello! I am \(prompt.model), a simulated model. What can I do for you?"
        }
        return prompt.question.hasPrefix("你好") ? "你好！我是模拟模型 \(prompt.model)，有什么可以帮你？" : nil
    }

    private mutating func essay() -> String {
        if isChinese {
            return "关于“\(subject)”：这是模拟模型 \(prompt.model) 的回答。要点有三：先弄清目标，再分步去做，最后核对结果。"
        }
        let lowered = prompt.question.lowercased()
        let long = ["long", "essay", "story", "detail", "explain", "list"].contains { lowered.contains($0) }
        var sentences = ["You asked about \"\(subject)\"."]
        if prompt.images > 0 {
            sentences.append(prompt.images == 1 ? "I see one image with it." : "I see \(prompt.images) images with it.")
        }
        sentences += Self.remarks.shuffled(using: &random).prefix(long ? 10 : 3)
        sentences.append("This answer was made up by \(prompt.model), a simulated model.")
        return sentences.joined(separator: " ")
    }

    private static let remarks = [
        "The short version is that it depends on what you want to do with it.",
        "A good first step is to write down what is known and what is not.",
        "Most of the work lies in the details, so take them one at a time.",
        "It helps to look at a small example before the general case.",
        "If two approaches seem equal, pick the one that is easier to undo.",
        "Measure before you change anything, and again afterwards.",
        "People often underestimate how much a clear name is worth.",
        "There are three parts to it: the input, the rule and the result.",
        "Common mistakes are skipping the check at the end and trusting the first guess.",
        "In practice the simple way works in nine cases out of ten.",
        "The tenth case deserves a closer look and a note for later.",
        "When in doubt, ask somebody who has done it before.",
    ]

    private var subject: String {
        let line = prompt.question.split(separator: "\n").first.map { String($0) } ?? "nothing in particular"
        return line.count <= 80 ? line : line.prefix(77) + "..."
    }

    private var isChinese: Bool {
        prompt.question.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
    }
}
