import Logging
import PatchbayCore
import PatchbayWire

@testable import PatchbayAdmin

/// Talks to the service without a socket.
struct AdminClient {
    static let token = "admin-token-for-tests"

    let backend: InMemoryBackend
    let service: AdminService

    init(_ configuration: Configuration = AdminClient.configuration, metricsAreOpen: Bool = true) {
        backend = InMemoryBackend(configuration)
        service = AdminService(
            backend: backend, token: BearerToken(Secret(Self.token)), metricsAreOpen: metricsAreOpen, version: "1.2.3",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func send(
        _ method: String, _ path: String, _ body: String = "", authorization: String? = "Bearer \(token)"
    ) async -> AdminAnswer {
        let halves = path.split(separator: "?", maxSplits: 1)
        return await service.respond(
            AdminRequest(
                method: method, path: String(halves.first ?? ""), query: halves.count > 1 ? String(halves[1]) : "",
                authorization: authorization, body: Array(body.utf8)))
    }

    /// What the file declares: the site `filed` with an account and a token, a key and a route.
    static var configuration: Configuration {
        var configuration = Configuration()
        let token = UpstreamToken(name: "t", key: Secret("sk-hidden-token-text"), source: .file)
        let account = Account(
            name: "main",
            credential: Credential(kind: "api_key", secrets: ["api_key": Secret("sk-hidden-account-text")]),
            models: [ModelMapping(upstream: "gpt-4o-2024", name: "gpt-4o")], tokens: [token], source: .file)
        configuration.sites = [
            Site(
                name: "filed", platform: "openai", baseURL: "http://127.0.0.1:9001", formats: [.openAIChat],
                headers: [HeaderSetting(name: "x-extra", value: Secret("hidden-header-text"))],
                pluginConfiguration: #"{"era":"new"}"#, source: .file, accounts: [account])
        ]
        configuration.keys = [
            Key(
                name: "dev", digest: KeyDigest(bytes: Array("sk-client-1".utf8) + [UInt8](repeating: 0, count: 21)),
                displayPrefix: "sk-", source: .file)
        ]
        configuration.groups = [KeyGroup(name: "team", limits: KeyLimits(requestsPerMinute: 5), source: .file)]
        configuration.routes = [Route(model: "gpt-4o", channels: [ChannelReference(site: "filed")], source: .file)]
        configuration.prices = ["gpt-4o": ModelPrice(perMillionInput: 2.5, output: 10, cachedInput: 1.25)]
        return configuration
    }
}

extension AdminAnswer {
    var document: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var text: String { String(decoding: body, as: UTF8.self) }
    /// `code field message` of an error.
    var problem: String {
        let error = document["error"]
        let field = error?["field"]?.stringValue ?? "-"
        return "\(error?["code"]?.stringValue ?? "") \(field) \(error?["message"]?.stringValue ?? "")"
    }
}
