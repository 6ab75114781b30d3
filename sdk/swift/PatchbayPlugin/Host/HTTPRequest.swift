/// A request that the host sends for the plugin: proxies, TLS, cookies per account, the egress guard and limits are the
/// host's. `${secret:NAME}` in the URL or a header value is filled in by the host; the plugin never sees the secret.
public struct HTTPRequest: Sendable {
    public struct Options: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Replace `${secret:NAME}` in the body as well; the value is inserted JSON-escaped, without quotes.
        public static let expandBody = Options(rawValue: 1)
        /// Follow up to 5 redirects; credentials are not sent to another origin.
        public static let followRedirects = Options(rawValue: 2)
        /// Neither read nor write the cookie jar of the account.
        public static let noCookies = Options(rawValue: 4)
    }

    public var method: String
    public var url: String
    public var headers: [(String, String)]
    public var body: [UInt8]
    public var options: Options
    /// For the whole exchange; nil = the host's default. Never longer than the call's deadline.
    public var timeout: Duration?
    /// Bound on the answer's body in bytes; nil = the host's default (8 MiB).
    public var maximumBodyBytes: Int?

    public init(
        _ method: String = "GET", _ url: String, headers: [(String, String)] = [], body: [UInt8] = [],
        options: Options = [], timeout: Duration? = nil, maximumBodyBytes: Int? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.options = options
        self.timeout = timeout
        self.maximumBodyBytes = maximumBodyBytes
    }

    /// A GET that wants JSON.
    public static func get(_ url: String, headers: [(String, String)] = [], options: Options = []) -> HTTPRequest {
        HTTPRequest("GET", url, headers: [("accept", "application/json")] + headers, options: options)
    }

    /// A POST of a JSON document that wants JSON.
    public static func post<Body: Encodable>(
        _ url: String, json: Body, headers: [(String, String)] = [], options: Options = []
    ) throws(PluginError) -> HTTPRequest {
        let standard = [("accept", "application/json"), ("content-type", "application/json")]
        return HTTPRequest("POST", url, headers: standard + headers, body: try JSONText.encode(json), options: options)
    }
}
