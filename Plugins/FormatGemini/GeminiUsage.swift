import CanonicalChat
import PatchbayWire

extension TokenCounts {
    /// Reads `usageMetadata`. Counters that are zero are left out by the server.
    init(gemini usage: JSONValue) {
        func number(_ name: String) -> Int? { usage[name]?.protobufInt }
        let thoughts = number("thoughtsTokenCount")
        let candidates = number("candidatesTokenCount")
        let prompt = number("promptTokenCount")
        let toolUse = number("toolUsePromptTokenCount")
        self.init(cached: number("cachedContentTokenCount"), reasoning: thoughts)
        if prompt != nil || toolUse != nil { input = (prompt ?? 0) + (toolUse ?? 0) }
        if candidates != nil || thoughts != nil { output = (candidates ?? 0) + (thoughts ?? 0) }
        // Relays that count thoughts among the candidates' tokens are found out by the total.
        if let total = number("totalTokenCount"), let input, let candidates, let thoughts, thoughts > 0,
            total == input + candidates
        {
            output = candidates
        }
    }

    /// Writes the object behind `usageMetadata`.
    func writeGemini(into writer: inout JSONWriter) {
        let candidates = max(0, (output ?? 0) - (reasoning ?? 0))
        writer.beginObject()
        writer.member("promptTokenCount", input ?? 0)
        writer.member("candidatesTokenCount", candidates)
        writer.member("totalTokenCount", (input ?? 0) + (output ?? 0))
        writer.member("cachedContentTokenCount", ifPresent: cached)
        writer.member("thoughtsTokenCount", ifPresent: reasoning)
        writer.endObject()
    }
}
