import PatchbayPlugin

/// `x-ratelimit-*` of OpenAI: what remains of a window and when it is full again, as a span such as `6m0s`.
enum RateLimitHeaders {
    /// The longest wait among the windows that are used up.
    static func wait(_ outcome: Outcome) -> Duration? {
        let requests = wait(
            outcome.header("x-ratelimit-remaining-requests"), outcome.header("x-ratelimit-reset-requests"))
        let tokens = wait(outcome.header("x-ratelimit-remaining-tokens"), outcome.header("x-ratelimit-reset-tokens"))
        return [requests, tokens].compactMap { $0 }.max()
    }

    private static func wait(_ remaining: ByteView, _ reset: ByteView) -> Duration? {
        guard remaining == "0", let text = reset.optionalString else { return nil }
        return RetryAfter.span(text[...])
    }
}
