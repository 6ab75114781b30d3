import CPatchbay

extension CallContext {
    // MARK: HTTP

    func http(_ request: HTTPRequest) async throws(PluginError) -> HTTPResponse {
        guard let table = host.service(PB_HTTP_ID, as: pb_http.self, size: \.size), let send = table.pointee.send else {
            throw PluginError(.unsupported, "The host offers no HTTP service.")
        }
        let host = host
        let result: Result<HTTPResponse, PluginError> = await withCheckedContinuation { continuation in
            let user = Unmanaged.passRetained(Waiting(continuation))
            let status: pb_status
            do throws(PluginError) {
                status = try pinned { call in
                    withRecord(of: request) { send(host.record, call, $0, deliver, user.toOpaque()) }
                }
            } catch {
                user.release()
                continuation.resume(returning: .failure(error))
                return
            }
            guard status < 0 else { return }
            user.release()
            let code = PluginError.Code(status: status)
            continuation.resume(returning: .failure(PluginError(code, "The host refused the HTTP request (\(code)).")))
        }
        return try result.get()
    }

    // MARK: Time

    func sleep(for duration: Duration) async throws(PluginError) {
        let host = host
        let started: Bool = await withCheckedContinuation { continuation in
            let user = Unmanaged.passRetained(Alarm(continuation))
            let status = try? pinned { call in
                host.clock.table?.pointee.after.map { after in
                    after(host.record, call, duration.milliseconds, ring, user.toOpaque())
                }
            }
            guard let status = status ?? nil, status >= 0 else {
                user.release()
                continuation.resume(returning: false)
                return
            }
        }
        if !started { try? await Task.sleep(for: duration) }
        if isCancelled || Task.isCancelled { throw PluginError(.cancelled, "The call was cancelled.") }
    }

    // MARK: Secrets

    func hasSecret(_ name: String) -> Bool {
        guard let table = host.service(PB_SECRETS_ID, as: pb_secrets.self, size: \.size),
            let exists = table.pointee.exists
        else { return false }
        let host = host
        let answer = try? pinned { call in withView(name) { exists(host.record, call, $0) } }
        return answer ?? 0 != 0
    }

    func revealSecret(_ name: String) async throws(PluginError) -> String {
        try await blocking { host, call throws(PluginError) in
            guard let table = host.service(PB_SECRETS_ID, as: pb_secrets.self, size: \.size),
                let reveal = table.pointee.reveal
            else { throw PluginError(.unsupported, "The host offers no secrets.") }
            let (status, bytes) = collect { sink in withView(name) { reveal(host.record, call, $0, sink) } }
            guard status >= 0 else {
                throw PluginError(PluginError.Code(status: status), "The secret \(name) cannot be read.")
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// Carries a continuation through the `user` pointer of a completion.
private final class Waiting: Sendable {
    let continuation: CheckedContinuation<Result<HTTPResponse, PluginError>, Never>

    init(_ continuation: CheckedContinuation<Result<HTTPResponse, PluginError>, Never>) {
        self.continuation = continuation
    }
}

private final class Alarm: Sendable {
    let continuation: CheckedContinuation<Bool, Never>

    init(_ continuation: CheckedContinuation<Bool, Never>) {
        self.continuation = continuation
    }
}

private func ring(_ user: UnsafeMutableRawPointer?) {
    guard let user else { return }
    Unmanaged<Alarm>.fromOpaque(user).takeRetainedValue().continuation.resume(returning: true)
}

private func deliver(_ user: UnsafeMutableRawPointer?, _ response: UnsafePointer<pb_http_response>?) {
    guard let user else { return }
    let waiting = Unmanaged<Waiting>.fromOpaque(user).takeRetainedValue()
    guard let response else {
        waiting.continuation.resume(returning: .failure(PluginError(.internal, "The host delivered no answer.")))
        return
    }
    waiting.continuation.resume(returning: copy(response.pointee))
}

private func copy(_ response: pb_http_response) -> Result<HTTPResponse, PluginError> {
    guard response.error_code >= 0 else {
        let message = ByteView(response.error_message)
        let code = PluginError.Code(status: response.error_code)
        return .failure(PluginError(code, message.isEmpty ? "The request failed (\(code))." : message.string))
    }
    let fields = UnsafeBufferPointer(start: response.headers, count: Int(response.header_count))
    return .success(
        HTTPResponse(
            status: Int(response.status),
            headers: fields.map { (name: ByteView($0.name).string, value: ByteView($0.value).string) },
            body: ByteView(response.body).array, finalURL: ByteView(response.final_url).string))
}

private func withRecord<Result>(of request: HTTPRequest, _ body: (UnsafePointer<pb_http_request>) -> Result) -> Result {
    withFields(request.headers) { headers in
        withView(request.method) { method in
            withView(request.url) { url in
                request.body.withUnsafeBufferPointer { bytes in
                    var record = pb_http_request()
                    record.size = UInt32(MemoryLayout<pb_http_request>.size)
                    record.flags = request.options.rawValue
                    record.method = method
                    record.url = url
                    record.headers = headers.baseAddress
                    record.header_count = UInt32(headers.count)
                    record.timeout_ms = UInt32(clamping: request.timeout?.milliseconds ?? 0)
                    record.body = bytes.isEmpty ? pb_str() : pb_str(bytes)
                    record.max_body_bytes = UInt64(clamping: request.maximumBodyBytes ?? 0)
                    return body(&record)
                }
            }
        }
    }
}
