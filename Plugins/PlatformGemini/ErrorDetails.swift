import FoundationEssentials
import PatchbayPlugin

/// What Google's errors say beyond status and message: `{"error":{"status","details":[{"@type":…}]}}`, perhaps as the
/// only element of an array.
struct ErrorDetails {
    private(set) var status = ""
    private(set) var message = ""
    /// Of the detail of type ErrorInfo, such as `API_KEY_INVALID`.
    private(set) var reason = ""
    /// Of the detail of type RetryInfo.
    private(set) var retryDelay: Duration?
    /// A limit that lasts until the next day has been reached.
    private(set) var isDailyLimit = false

    private struct Document: Decodable {
        struct Inner: Decodable {
            var status: String?
            var message: String?
            var details: [Detail]?
        }

        struct Detail: Decodable {
            struct Violation: Decodable {
                var quotaId: String?
            }

            var reason: String?
            var retryDelay: String?
            var violations: [Violation]?
        }

        var error: Inner?
    }

    /// nil if the body is no such document.
    init?(_ body: ByteView) {
        let text = body.trimmed
        guard text.count > 1, text[0] == UInt8(ascii: "{") || text[0] == UInt8(ascii: "[") else { return nil }
        let data = Data(text.bytes)
        let decoder = JSONDecoder()
        let document =
            text[0] == UInt8(ascii: "[")
            ? (try? decoder.decode([Document].self, from: data))?.first : try? decoder.decode(Document.self, from: data)
        guard let error = document?.error else { return nil }
        status = error.status ?? ""
        message = error.message ?? ""
        for detail in error.details ?? [] {
            if let reason = detail.reason { self.reason = reason }
            if let delay = detail.retryDelay { retryDelay = Self.duration(delay) }
            isDailyLimit = isDailyLimit || (detail.violations ?? []).contains { $0.quotaId?.contains("PerDay") == true }
        }
        if reason.isEmpty, message.hasPrefix("API key not valid") { reason = "API_KEY_INVALID" }
    }

    /// A duration of protobuf JSON, such as `13s` or `1.5s`.
    static func duration(_ text: String) -> Duration? {
        guard text.hasSuffix("s"), let seconds = Double(text.dropLast()), seconds >= 0, seconds < 1_000_000 else {
            return nil
        }
        return .milliseconds(Int64(seconds * 1000))
    }
}
