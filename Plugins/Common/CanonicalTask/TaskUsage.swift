package import CanonicalChat
package import PatchbayWire

extension TokenCounts {
    /// Reads the counters of an answer in any of the names that task formats use: `prompt_tokens` (embeddings),
    /// `input_tokens` and `output_tokens` (images, audio), `total_tokens` alone (Jina), `meta.billed_units` or
    /// `meta.tokens` (Cohere).
    package init(task tape: borrowing JSONTape, _ root: JSONIndex) {
        self.init()
        if let usage = tape.present(root, named: "usage") { read(tape, usage) }
        for name in ["billed_units", "tokens"] as [StaticString] where isEmpty {
            if let meta = tape.member(root, path: "meta", name) { read(tape, meta) }
        }
    }

    private mutating func read(_ tape: borrowing JSONTape, _ usage: JSONIndex) {
        func count(_ name: StaticString) -> Int? { tape.member(usage, named: name).flatMap { tape.int($0) } }
        input = count("input_tokens") ?? count("prompt_tokens")
        output = count("output_tokens") ?? count("completion_tokens")
        if input == nil, output == nil { input = count("total_tokens") }
        let cached = tape.member(usage, path: "input_tokens_details", "cached_tokens")
        self.cached = cached.flatMap { tape.int($0) }
    }
}
