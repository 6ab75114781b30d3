/// An answer to a ``HTTPRequest``, with any status.
public struct HTTPResponse: Sendable {
    public var status: Int
    /// In the order received, names in lower case; Set-Cookie is included.
    public var headers: [(name: String, value: String)]
    /// After content decoding.
    public var body: [UInt8]
    /// After redirects.
    public var finalURL: String

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], finalURL: String = "") {
        self.status = status
        self.headers = headers
        self.body = body
        self.finalURL = finalURL
    }

    public var isSuccess: Bool { status >= 200 && status < 300 }

    /// The body as text; invalid UTF-8 becomes U+FFFD.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The first value of a header; `name` in lower case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// True if the body is a page for browsers: a challenge, a login page or a wrong base URL.
    public var isHTML: Bool {
        body.withUnsafeBytes { bytes in
            let start = ByteView(bytes).trimmed
            return start.count > 0 && start[0] == UInt8(ascii: "<")
        }
    }

    /// Reads the body as JSON.
    ///
    /// - Throws: ``PluginError/Code/protocolViolation`` with the name of the member that does not fit.
    public func decode<Value: Decodable>(_ type: Value.Type, as subject: String = "the answer") throws(PluginError)
        -> Value
    {
        guard !isHTML else {
            throw PluginError(
                .protocolViolation, "The site answered with an HTML page where JSON was expected.", httpStatus: status)
        }
        do {
            return try JSONText.decode(type, from: body, as: subject)
        } catch {
            var error = error
            error.httpStatus = status
            throw error
        }
    }

    /// What the headers `retry-after-ms` and `retry-after` ask for.
    public var retryAfter: Duration? {
        RetryAfter.read(milliseconds: header("retry-after-ms"), seconds: header("retry-after"), date: header("date"))
    }
}
