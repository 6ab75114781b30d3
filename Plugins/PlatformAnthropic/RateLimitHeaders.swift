import PatchbayPlugin

/// `anthropic-ratelimit-*`: what remains of a window, and the moment when it is full again.
enum RateLimitHeaders {
    private static let windows: [(remaining: StaticString, reset: StaticString)] = [
        ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
        ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
        ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
        ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
    ]

    /// The longest wait among the windows that are used up.
    static func wait(_ outcome: Outcome) -> Duration? {
        let date = outcome.header("date").optionalString
        return windows.compactMap { window -> Duration? in
            guard outcome.header(window.remaining) == "0", let reset = outcome.header(window.reset).optionalString
            else {
                return nil
            }
            return RetryAfter.read(until: reset, date: date)
        }.max()
    }
}
