import Logging
import PatchbayCore
import PatchbaySimulator
import PatchbayStore

/// What a start without configuration makes by itself: an admin token, a client key, and a simulated site.
struct FirstStart: Sendable {
    var adminToken: Secret
    /// The admin token was made by Patchbay and is kept sealed in the store.
    var adminTokenIsGenerated = false
    /// Only when nobody has configured a key.
    var clientKey: Secret?
    /// A model that can be asked at once; nil without the simulated site.
    var model: String?

    /// What it adds to the configuration.
    var additions = Configuration()

    static func prepare(
        _ configuration: Configuration, _ stored: StoredDefinitions, store: Store, logger: Logger
    ) async throws -> FirstStart {
        do {
            var start: FirstStart
            if let token = configuration.admin.token {
                start = FirstStart(adminToken: token)
            } else {
                let token = try secretSetting("admin_token", store) { KeyFactory.generateAdminToken() }
                start = FirstStart(adminToken: token, adminTokenIsGenerated: true)
            }
            if configuration.sites.isEmpty, stored.sites.isEmpty {
                try await addSimulatedSite(to: &start.additions, logger: logger)
                start.model = SimulatedSite.demonstration.models.first?.name
            }
            if configuration.keys.isEmpty, stored.keys.isEmpty {
                let text = try secretSetting("first_client_key", store) { KeyFactory.generate() }
                start.additions.keys.append(
                    Key(
                        name: "first", digest: KeyFactory.digest(of: text),
                        displayPrefix: KeyFactory.displayPrefix(of: text), source: .generated))
                start.clientKey = text
            }
            return start
        } catch let error as StoreError {
            throw StartError(sentence: "store: \(error.sentence)")
        }
    }

    /// The blocking form of the store's function, away from asynchronous code.
    private static func secretSetting(
        _ name: String, _ store: Store, make: @escaping @Sendable () -> Secret
    ) throws(StoreError) -> Secret {
        try store.secretSetting(name, make: make)
    }

    private static func addSimulatedSite(to configuration: inout Configuration, logger: Logger) async throws {
        let running = try await SimulatedSite.demonstration.start(host: "127.0.0.1", port: 0)
        configuration.sites.append(
            Site(
                name: "simulated", platform: "new-api", baseURL: "http://127.0.0.1:\(running.port)", source: .generated,
                accounts: [
                    Account(
                        name: "demo",
                        credential: Credential(
                            kind: "api_key", secrets: ["api_key": Secret(SimulatedSite.demonstrationKey)]),
                        source: .generated)
                ]))
        configuration.egress.allow.append("127.0.0.1/32")
        for model in SimulatedSite.demonstration.models { configuration.prices[model.name] = ModelPrice(model) }
        logger.notice("simulated site started", metadata: ["port": "\(running.port)"])
    }

    /// Tells a person how to send the first request. Printed on standard output, outside of the log, because it holds
    /// secrets that are meant for whoever started the program.
    func announce(gateway: ListenAddress, admin: ListenAddress) {
        var lines = ["", "Patchbay \(Version.text) is ready.", ""]
        lines.append("  gateway    http://\(gateway)/v1")
        lines.append("  admin API  http://\(admin)/api/v1")
        if adminTokenIsGenerated { lines.append("  admin token  \(adminToken.reveal())") }
        if let clientKey {
            lines.append("  client key   \(clientKey.reveal())")
            lines.append("")
            lines.append("  curl http://\(gateway)/v1/chat/completions \\")
            lines.append("    -H 'Authorization: Bearer \(clientKey.reveal())' -H 'Content-Type: application/json' \\")
            lines.append(
                "    -d '{\"model\": \"\(model ?? "MODEL")\", \"stream\": true, "
                    + "\"messages\": [{\"role\": \"user\", \"content\": \"Hello!\"}]}'")
        }
        lines.append("")
        StandardOutput.write(lines.joined(separator: "\n") + "\n")
    }
}

extension ModelPrice {
    /// Prices of a New API site: ratio 1 is two dollars per million input tokens.
    fileprivate init(_ model: SimulatedModel) {
        let input = model.pricePerCall == nil ? model.ratio * 2 : 0
        self.init(
            perMillionInput: input, output: input * model.completionRatio,
            cachedInput: model.cacheRatio.map { input * $0 }, cacheWrite: model.cacheWriteRatio.map { input * $0 })
        perRequest = Money(dollars: model.pricePerCall ?? 0)
    }
}
