#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
internal import CCurl
internal import PatchbayCore
internal import Synchronization

/// One exchange of control HTTP, redirects included. Everything but ``cancel()`` happens on the driver's thread.
final class HTTPTransfer: @unchecked Sendable {
    typealias Completion = @Sendable (Result<HTTPAnswer, PluginError>) -> Void

    // `wasCancelled` is atomic; all other variables belong to the driver's thread.
    private let wasCancelled = Atomic<Bool>(false)
    private(set) var plan: HTTPPlan
    private let egress: EgressPolicy
    private let settings: HTTPSettings
    private let agent: String
    private let deadline: Int64
    private var completion: Completion?
    private(set) var easy: UnsafeMutableRawPointer?
    private var list: UnsafeMutablePointer<curl_slist>?
    private var answer = HTTPAnswer()
    private var hops = 0
    private var isTooLarge = false
    private var headerBytes = 0
    /// Address that the guard refused in this hop.
    private var refused: String?

    init(
        _ plan: HTTPPlan, egress: EgressPolicy, settings: HTTPSettings, agent: String, completion: @escaping Completion
    ) {
        self.plan = plan
        self.egress = egress
        self.settings = settings
        self.agent = agent
        self.completion = completion
        deadline = SystemTime.monotonicNanoseconds() + Int64(plan.timeout) * 1_000_000
    }

    deinit {
        curl_slist_free_all(list)
    }

    /// Asks the driver to give up; the completion gets the code `cancelled`.
    func cancel() {
        wasCancelled.store(true, ordering: .relaxed)
    }

    var isCancelled: Bool { wasCancelled.load(ordering: .relaxed) }

    /// Answers, once. The handle goes first: it shares the cookie jar, which belongs to the driver's thread.
    func complete(_ result: Result<HTTPAnswer, PluginError>) {
        if let easy { curl_easy_cleanup(easy) }
        easy = nil
        completion.take()?(result)
    }

    // MARK: - Request

    /// Sets the handle up for the next hop.
    ///
    /// - Parameter share: the cookie jar.
    func configure(share: UnsafeMutableRawPointer?) throws(PluginError) -> UnsafeMutableRawPointer {
        let left = (deadline - SystemTime.monotonicNanoseconds()) / 1_000_000
        guard left > 0 else { throw timedOut }
        let handle = easy ?? curl_easy_init()
        guard let handle else { throw PluginError(.internalDefect, "libcurl has no memory for a request.") }
        curl_easy_reset(handle)
        easy = handle
        answer = HTTPAnswer()
        headerBytes = 0
        refused = nil
        let user = Unmanaged.passUnretained(self).toOpaque()
        _ = patchbay_curl_set_text(handle, CURLOPT_URL, plan.url)
        _ = patchbay_curl_set_pointer(handle, CURLOPT_PRIVATE, user)
        _ = patchbay_curl_on_body(handle, Self.onBody, user)
        _ = patchbay_curl_on_header(handle, Self.onHeader, user)
        _ = patchbay_curl_on_open(handle, Self.onOpen, user)
        setOptions(handle, left: Int(left))
        setMethod(handle)
        setHeaders(handle)
        if plan.jar != nil {
            _ = patchbay_curl_set_text(handle, CURLOPT_COOKIEFILE, "")
            _ = patchbay_curl_set_share(handle, share)
        }
        return handle
    }

    private func setOptions(_ handle: UnsafeMutableRawPointer, left: Int) {
        _ = patchbay_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        // A proxy from the environment would hide the address from the egress guard.
        _ = patchbay_curl_set_text(handle, CURLOPT_PROXY, "")
        _ = patchbay_curl_set_text(handle, CURLOPT_ACCEPT_ENCODING, "gzip, deflate")
        _ = patchbay_curl_set_text(handle, CURLOPT_USERAGENT, agent)
        _ = patchbay_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = patchbay_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        _ = patchbay_curl_set_long(handle, CURLOPT_SSL_VERIFYPEER, 1)
        _ = patchbay_curl_set_long(handle, CURLOPT_SSL_VERIFYHOST, 2)
        if let file = settings.authorities {
            _ = patchbay_curl_set_text(handle, CURLOPT_CAINFO, file)
            _ = patchbay_curl_set_pointer(handle, CURLOPT_CAPATH, nil)
        } else if let file = getenv("SSL_CERT_FILE"), file.pointee != 0 {
            _ = patchbay_curl_set_text(handle, CURLOPT_CAINFO, file)
        }
        _ = patchbay_curl_set_long(handle, CURLOPT_TIMEOUT_MS, left)
        _ = patchbay_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, min(left, settings.connectTimeout))
    }

    private func setMethod(_ handle: UnsafeMutableRawPointer) {
        if plan.method == "HEAD" {
            _ = patchbay_curl_set_long(handle, CURLOPT_NOBODY, 1)
            return
        }
        if plan.body.isEmpty, plan.method == "GET" {
            _ = patchbay_curl_set_long(handle, CURLOPT_HTTPGET, 1)
            return
        }
        if !plan.body.isEmpty || plan.method == "POST" || plan.method == "PUT" || plan.method == "PATCH" {
            _ = patchbay_curl_set_long(handle, CURLOPT_POST, 1)
            _ = patchbay_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(plan.body.count))
            plan.body.withUnsafeBytes { bytes in
                let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                // An empty body still needs an address, or libcurl reads from standard input.
                withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { spare in
                    _ = patchbay_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, start ?? spare.baseAddress)
                }
            }
        }
        _ = patchbay_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, plan.method)
    }

    private func setHeaders(_ handle: UnsafeMutableRawPointer) {
        curl_slist_free_all(list)
        list = nil
        for header in plan.headers { list = curl_slist_append(list, header.line) }
        _ = patchbay_curl_set_list(handle, CURLOPT_HTTPHEADER, list)
    }

    // MARK: - Answer

    /// Reads what the finished hop gave.
    ///
    /// - Returns: the answer, or nil if another hop follows; the plan is the one for it then.
    func finish(_ code: CURLcode) throws(PluginError) -> HTTPAnswer? {
        guard let easy else { throw PluginError(.internalDefect, "A request finished that had not begun.") }
        guard code == CURLE_OK else { throw failure(code) }
        var status = 0
        _ = patchbay_curl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        answer.status = status
        var target: UnsafePointer<CChar>?
        _ = patchbay_curl_get_text(easy, CURLINFO_REDIRECT_URL, &target)
        if plan.followsRedirects, let target, [301, 302, 303, 307, 308].contains(status) {
            hops += 1
            guard hops <= 5 else {
                throw PluginError(.protocolViolation, "The site redirects more than 5 times.")
            }
            try plan.redirect(to: String(cString: target), status: status)
            return nil
        }
        answer.finalURL = Array(plan.shownURL.utf8)
        return answer
    }

    private var timedOut: PluginError {
        PluginError(.timeout, "The request to \(host) was not finished within \(plan.timeout) ms.")
    }

    /// For messages; a URL may hold a secret, its host does not.
    private var host: String { URLOrigin(plan.url)?.host ?? "the site" }

    private func failure(_ code: CURLcode) -> PluginError {
        if isTooLarge {
            return PluginError(.tooLarge, "The answer of \(host) has more than \(plan.bodyLimit) bytes.")
        }
        if let refused, code == CURLE_COULDNT_CONNECT {
            return PluginError(.denied, "The address \(refused) of \(host) is refused by the egress policy.")
        }
        let reason = String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return timedOut
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT:
            return PluginError(.invalid, "The URL of an HTTP request must be absolute, http or https, without a user.")
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return PluginError(.protocolViolation, "The answer of \(host) is not valid: \(reason).")
        default:
            return PluginError(.network, "The request to \(host) failed: \(reason).")
        }
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> HTTPTransfer? {
        user.map { Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let onBody: patchbay_curl_write = { bytes, size, count, user in
        guard let transfer = HTTPTransfer.of(user), let bytes else { return 0 }
        let total = size * count
        guard total <= transfer.plan.bodyLimit - transfer.answer.body.count else {
            transfer.isTooLarge = true
            return 0
        }
        transfer.answer.body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: total))
        return total
    }

    private static let onHeader: patchbay_curl_write = { bytes, size, count, user in
        guard let transfer = HTTPTransfer.of(user), let bytes else { return 0 }
        let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return transfer.take(header: line) ? line.count : 0
    }

    private func take(header line: UnsafeRawBufferPointer) -> Bool {
        headerBytes += line.count
        guard headerBytes <= 262_144 else { return false }
        // A status line begins another head: after 1xx, or the real one.
        if line.starts(with: Array("HTTP/".utf8)) {
            answer.headers.removeAll()
            return true
        }
        guard let colon = line.firstIndex(of: 0x3a), colon > 0 else { return true }
        var start = colon + 1
        var end = line.count
        while start < end, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
        while end > start, line[end - 1] <= 0x20 { end -= 1 }
        answer.headers.append((name: line[..<colon].map(HeaderRules.lower), value: [UInt8](line[start..<end])))
        return true
    }

    // MARK: - Egress guard

    private static let onOpen: patchbay_curl_open = { user, _, address in
        guard let transfer = HTTPTransfer.of(user), let address else { return CURL_SOCKET_BAD }
        guard let target = patchbay_curl_address(address), transfer.egress.permits(target) else {
            transfer.refused = patchbay_curl_address(address).map {
                HTTPTransfer.text(of: $0, length: address.pointee.addrlen)
            }
            return CURL_SOCKET_BAD
        }
        return socket(
            address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
    }

    private static func text(of address: UnsafePointer<sockaddr>, length: UInt32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { room in
            guard let start = room.baseAddress,
                getnameinfo(address, length, start, UInt32(room.count), nil, 0, NI_NUMERICHOST) == 0
            else { return "?" }
            return String(cString: start)
        }
    }
}
