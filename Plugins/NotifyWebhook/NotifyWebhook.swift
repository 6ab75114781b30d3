import PatchbayPlugin

/// Sends messages as JSON to a URL.
///
/// If the account has the secret `signing_key`, the request carries `x-patchbay-timestamp` (Unix seconds) and a
/// signature `sha256=` and the hexadecimal HMAC-SHA256 of the timestamp, a dot and the body, so that the receiver can
/// check both the sender and the age of a message.
struct NotifyWebhook: Notifier {
    private struct Settings: Decodable {
        var url: String
        var headers: [String: String]?
        var signature_header: String?
        var attempts: Int?
    }

    private let url: String
    private let headers: [(String, String)]
    private let signatureHeader: String
    private let attempts: Int

    init(configuration: PluginConfiguration, host: Host) throws {
        let settings = try configuration.decode(Settings.self)
        guard settings.url.hasPrefix("https://") || settings.url.hasPrefix("http://") else {
            throw PluginError(.invalid, "url must be absolute and begin with http:// or https://.")
        }
        url = settings.url
        headers = (settings.headers ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        signatureHeader = settings.signature_header ?? "x-patchbay-signature"
        attempts = settings.attempts ?? 3
        guard (1...5).contains(attempts) else { throw PluginError(.invalid, "attempts must be from 1 to 5.") }
    }

    func send(_ notification: Notification, _ call: Call) async throws -> NotificationReceipt {
        let body = try JSONText.encode(Payload(notification, sentAt: call.host.clock.unixSeconds))
        var request = HTTPRequest("POST", url, headers: [("content-type", "application/json")] + headers, body: body)
        request.options = .noCookies
        request.headers += try await signature(of: body, call)
        if let key = notification.dedupeKey { request.headers.append(("idempotency-key", key)) }
        return try await deliver(request, call)
    }

    private func signature(of body: [UInt8], _ call: Call) async throws -> [(String, String)] {
        guard call.hasSecret("signing_key") else { return [] }
        let key = Array(try await call.revealSecret("signing_key").utf8)
        let timestamp = String(call.host.clock.unixSeconds)
        let code = SHA256.authenticationCode(for: Array("\(timestamp).".utf8) + body, key: key)
        return [("x-patchbay-timestamp", timestamp), (signatureHeader, "sha256=" + Self.hexadecimal(code))]
    }

    /// Tries again what may succeed later, and never waits longer than the call may take.
    private func deliver(_ request: HTTPRequest, _ call: Call) async throws -> NotificationReceipt {
        var attempt = 1
        while true {
            let failure: PluginError
            do throws(PluginError) {
                let response = try await call.http(request)
                if response.isSuccess {
                    return NotificationReceipt(delivered: true, attempts: attempt, httpStatus: response.status)
                }
                failure = Self.refusal(response)
            } catch {
                failure = error
            }
            guard attempt < attempts, Self.mayPass(failure.code) else { throw failure }
            let wait = min(failure.retryAfter ?? .seconds(1 << (attempt - 1)), .seconds(30))
            if let remaining = call.remaining, remaining <= wait { throw failure }
            try await call.sleep(for: wait)
            attempt += 1
        }
    }

    private static func mayPass(_ code: PluginError.Code) -> Bool {
        code == .unavailable || code == .rateLimited || code == .network || code == .timeout
    }

    private static func refusal(_ response: HTTPResponse) -> PluginError {
        let code: PluginError.Code =
            switch response.status {
            case 401, 403: .auth
            case 408, 500...: .unavailable
            case 429: .rateLimited
            default: .protocolViolation
            }
        return PluginError(
            code, "The receiver of the webhook answered with status \(response.status).", httpStatus: response.status,
            retryAfter: response.retryAfter)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".unicodeScalars)
        return bytes.reduce(into: "") { text, byte in
            text.unicodeScalars.append(digits[Int(byte >> 4)])
            text.unicodeScalars.append(digits[Int(byte & 15)])
        }
    }
}

/// The document that the receiver gets.
private struct Payload: Encodable {
    let title: String
    let body_markdown: String
    let level: String
    let event: String
    let dedupe_key: String?
    let sent_at: UInt64

    init(_ notification: Notification, sentAt: UInt64) {
        title = notification.title
        body_markdown = notification.bodyMarkdown
        level = notification.level.rawValue
        event = notification.event
        dedupe_key = notification.dedupeKey
        sent_at = sentAt
    }
}
