internal import CPatchbay
internal import PatchbayCore

/// A control request, copied from a plugin, with its secrets filled in.
struct HTTPPlan: Sendable {
    struct Header: Sendable {
        var line: String
        /// Must not go to another origin: it held a secret, or is a credential by its name.
        var isCredential: Bool
    }

    var method: String
    var url: String
    /// The URL as the plugin may see it: placeholders not filled in.
    var shownURL: String
    var headers: [Header] = []
    var body: [UInt8] = []
    var bodyHasSecret = false
    /// Milliseconds for the whole exchange, redirects included.
    var timeout: Int
    var bodyLimit: Int
    var followsRedirects: Bool
    /// Account whose cookies go along; nil = none.
    var jar: String?

    /// Copies a request.
    ///
    /// - Throws: ``PluginError``: `invalid` for what cannot be sent, `notFound` for an unknown secret, `timeout` if the
    ///   call's deadline has passed.
    init(
        _ pointer: UnsafePointer<pb_http_request>, call: PendingCall?, settings: HTTPSettings
    ) throws(PluginError) {
        let request = copyRecord(pb_http_request.self, from: UnsafeRawPointer(pointer))
        let account = call?.account
        let lookup: (String) -> Secret? = { account?.secret(named: $0) }
        method = try Self.method(request.method)
        url = try Self.url(request.url, lookup)
        shownURL = request.url.text
        timeout = try Self.timeout(request.timeout_ms, call: call, settings: settings)
        let wanted = request.max_body_bytes == 0 ? settings.bodyLimit : Int(clamping: request.max_body_bytes)
        bodyLimit = min(wanted, settings.bodyMaximum)
        followsRedirects = request.flags & PB_HTTP_FOLLOW_REDIRECTS != 0
        jar = request.flags & PB_HTTP_NO_COOKIES == 0 ? account?.id : nil
        try addHeaders(request, lookup)
        try addBody(request, lookup)
    }

    private static func method(_ text: pb_str) throws(PluginError) -> String {
        let method = text.isAbsent ? "GET" : text.text
        guard (1...16).contains(method.utf8.count), method.utf8.allSatisfy({ (0x41...0x5a).contains($0) }) else {
            throw PluginError(.invalid, "The method of an HTTP request must be upper-case letters.")
        }
        return method
    }

    private static func url(_ text: pb_str, _ lookup: (String) -> Secret?) throws(PluginError) -> String {
        guard text.bytes.count <= 16_384 else {
            throw PluginError(.tooLarge, "The URL of an HTTP request must have at most 16384 bytes.")
        }
        let expanded = try expand(text.bytes, .url, lookup).bytes
        guard !expanded.isEmpty, expanded.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw PluginError(.invalid, "The URL of an HTTP request must be printable ASCII without spaces.")
        }
        let url = String(decoding: expanded, as: UTF8.self)
        guard URLOrigin(url) != nil else {
            throw PluginError(.invalid, "The URL of an HTTP request must be absolute, http or https, without a user.")
        }
        return url
    }

    private static func timeout(
        _ wanted: UInt32, call: PendingCall?, settings: HTTPSettings
    ) throws(PluginError) -> Int {
        let timeout = wanted == 0 ? settings.timeout : Int(wanted)
        guard let call, call.deadline > 0 else { return timeout }
        let left = (call.deadline - SystemTime.monotonicNanoseconds()) / 1_000_000
        guard left > 0 else { throw PluginError(.timeout, "The deadline of the call has passed.") }
        return min(timeout, Int(left))
    }

    private static func expand(
        _ bytes: UnsafeRawBufferPointer, _ escaping: SecretTemplate.Escaping, _ lookup: (String) -> Secret?
    ) throws(PluginError) -> (bytes: [UInt8], hasSecret: Bool) {
        var output: [UInt8] = []
        do throws(SecretTemplate.Failure) {
            let hasSecret = try SecretTemplate.expand(bytes, escaping: escaping, into: &output, lookup: lookup)
            return (output, hasSecret)
        } catch {
            throw PluginError(error.code == .unknownName ? .notFound : .invalid, error.sentence)
        }
    }

    private mutating func addHeaders(
        _ request: pb_http_request, _ lookup: (String) -> Secret?
    ) throws(PluginError) {
        let fields = UnsafeBufferPointer(
            start: request.headers, count: request.headers == nil ? 0 : Int(request.header_count))
        guard fields.count <= 128 else {
            throw PluginError(.tooLarge, "An HTTP request must have at most 128 headers.")
        }
        var names: Set<String> = []
        for field in fields {
            guard HeaderRules.isName(field.name.bytes) else {
                throw PluginError(.invalid, "The name of an HTTP header has characters that are not allowed.")
            }
            let name = field.name.text
            let (value, hasSecret) = try Self.expand(field.value.bytes, .none, lookup)
            guard value.withUnsafeBytes({ HeaderRules.isValue($0) }) else {
                throw PluginError(.invalid, "The value of the HTTP header \(name) has characters that are not allowed.")
            }
            let lower = name.lowercased()
            names.insert(lower)
            let text = String(decoding: value, as: UTF8.self)
            headers.append(
                Header(
                    line: text.isEmpty ? "\(name);" : "\(name): \(text)",
                    isCredential: hasSecret || Self.credentialNames.contains(lower)))
        }
        // libcurl adds these of itself; a header without a value switches that off.
        for name in ["Expect", "Content-Type"] where !names.contains(name.lowercased()) {
            headers.append(Header(line: "\(name):", isCredential: false))
        }
    }

    private static let credentialNames: Set<String> = [
        "authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key",
    ]

    private mutating func addBody(_ request: pb_http_request, _ lookup: (String) -> Secret?) throws(PluginError) {
        guard request.body.bytes.count <= 64 << 20 else {
            throw PluginError(.tooLarge, "The body of an HTTP request must have at most 64 MiB.")
        }
        if request.flags & PB_HTTP_EXPAND_BODY != 0 {
            (body, bodyHasSecret) = try Self.expand(request.body.bytes, .json, lookup)
        } else {
            body = [UInt8](request.body.bytes)
        }
    }

    // MARK: - Redirects

    /// Turns the plan into the one for the next hop.
    ///
    /// - Throws: ``PluginError`` with code `denied` if the body holds a secret and would go to another origin.
    mutating func redirect(to target: String, status: Int) throws(PluginError) {
        guard let next = URLOrigin(target) else {
            throw PluginError(.protocolViolation, "The site redirects to something that is not http or https.")
        }
        let becomesGet = status == 303 && method != "HEAD" || (status == 301 || status == 302) && method == "POST"
        if becomesGet {
            method = "GET"
            body = []
            bodyHasSecret = false
        }
        if next != URLOrigin(url) {
            guard !bodyHasSecret else {
                throw PluginError(.denied, "The site redirects a request with a secret in its body to another origin.")
            }
            headers.removeAll { $0.isCredential }
        }
        url = target
        shownURL = target
    }
}
