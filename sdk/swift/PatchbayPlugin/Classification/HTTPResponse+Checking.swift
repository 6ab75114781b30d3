extension HTTPResponse {
    /// The answer itself if its status is 2xx and it is no page for browsers.
    ///
    /// - Parameter subject: what was asked for, for the sentence: "the model list".
    /// - Throws: ``PluginError`` whose code tells what to do: auth, rateLimited (with the wait), unsupported (404,
    ///   405),
    ///   unavailable (5xx), challenge or protocolViolation (HTML), invalid (other 4xx).
    public func checked(as subject: String) throws(PluginError) -> HTTPResponse {
        if isHTML, isSuccess || status == 403 || status == 503 { throw pageError(subject) }
        guard !isSuccess else { return self }
        let report = body.withUnsafeBytes { ErrorReport(ByteView($0)) }
        let said = report.map { ": \($0.message.prefix(200))" } ?? "."
        let message = "The site answered the request for \(subject) with status \(status)\(said)"
        var error = PluginError(errorCode, message, httpStatus: status, retryAfter: retryAfter)
        if status == 429, error.retryAfter == nil {
            error.retryAfter = report.flatMap { RetryAfter.read(sentence: $0.message) }
        }
        throw error
    }

    private var errorCode: PluginError.Code {
        switch status {
        case 401, 403: .auth
        case 404, 405, 501: .unsupported
        case 408, 504: .timeout
        case 409: .conflict
        case 429: .rateLimited
        case 500...: .unavailable
        case 300..<400: .protocolViolation
        default: .invalid
        }
    }

    private func pageError(_ subject: String) -> PluginError {
        let marks = ["just a moment", "challenge-platform", "cf-chl", "captcha", "turnstile", "acw_sc__v2"]
        let page = String(decoding: body.prefix(65536), as: UTF8.self).lowercased()
        guard marks.contains(where: { page.contains($0) }) || header("cf-mitigated") != nil else {
            return PluginError(
                .protocolViolation, "The site answered the request for \(subject) with an HTML page.",
                httpStatus: status)
        }
        return PluginError(
            .challenge, "The site wants a browser to pass a challenge before it answers.", httpStatus: status,
            detailsJSON: #"{"challenge":"browser"}"#)
    }
}
