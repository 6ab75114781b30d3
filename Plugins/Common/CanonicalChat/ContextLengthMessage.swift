/// The sentences about an overlong prompt that agents parse in order to repair themselves.
///
/// Claude Code compacts the conversation when it reads `prompt is too long: N tokens > M maximum`, and lowers
/// `max_tokens` when it reads ``input length and `max_tokens` exceed context limit: A + B > C``; OpenAI clients look
/// for `maximum context length is M tokens`.
package struct ContextLengthMessage: Sendable, Hashable {
    /// Tokens of the prompt and tokens asked for, as far as the text says.
    package var input: Int?
    package var output: Int?
    package var limit: Int?

    /// Reads the numbers out of an upstream's message.
    package init(_ message: String) {
        let numbers = Self.numbers(message)
        let lower = message.lowercased()
        if lower.range(of: "exceed context limit") != nil, numbers.count >= 3 {
            (input, output, limit) = (numbers[0], numbers[1], numbers[2])
        } else if lower.range(of: "prompt is too long") != nil, numbers.count >= 2 {
            (input, limit) = (numbers[0], numbers[1])
        } else if lower.range(of: "maximum context length") != nil, let first = numbers.first {
            limit = first
            readRequested(lower, Array(numbers.dropFirst()))
        } else if lower.range(of: "input token count") != nil, numbers.count >= 2 {
            (input, limit) = (numbers[0], numbers[1])
        }
    }

    /// "you requested T tokens (A in the messages, B in the completion)", or "your messages resulted in A tokens".
    private mutating func readRequested(_ lower: String, _ rest: [Int]) {
        if lower.range(of: "in the completion") != nil, rest.count >= 3 {
            (input, output) = (rest[1], rest[rest.count - 1])
        } else {
            input = rest.first
        }
    }

    /// The sentence for a client of the Messages format; nil if the numbers are not known.
    package var anthropic: String? {
        guard let input, let limit else { return nil }
        if let output, input <= limit {
            return "input length and `max_tokens` exceed context limit: \(input) + \(output) > \(limit), "
                + "decrease input length or `max_tokens` and try again"
        }
        return "prompt is too long: \(input) tokens > \(limit) maximum"
    }

    /// The sentence for a client of the Chat format; nil if the limit is not known.
    package var openAI: String? {
        guard let limit else { return nil }
        var text = "This model's maximum context length is \(limit) tokens."
        if let input, let output {
            text += " However, you requested \(input + output) tokens (\(input) in the messages, "
            text += "\(output) in the completion). Please reduce the length of the messages or completion."
        } else if let input {
            text += " However, your messages resulted in \(input) tokens."
            text += " Please reduce the length of the messages."
        }
        return text
    }

    /// Integers in the text; digits may be grouped by commas.
    private static func numbers(_ message: String) -> [Int] {
        var found: [Int] = []
        var current = ""
        let scalars = Array(message.unicodeScalars) + [" "]
        for (index, scalar) in scalars.enumerated() {
            if scalar >= "0" && scalar <= "9" {
                current.unicodeScalars.append(scalar)
            } else if scalar == ",", !current.isEmpty, index + 1 < scalars.count,
                scalars[index + 1] >= "0" && scalars[index + 1] <= "9"
            {
                continue
            } else if !current.isEmpty {
                if let number = Int(current) { found.append(number) }
                current = ""
            }
        }
        return found
    }
}
