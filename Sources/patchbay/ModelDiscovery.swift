import Logging
import PatchbayCore
import PatchbayHost
import PatchbayStore
import PatchbayWire

/// Asks sites for the models of accounts whose configuration does not list them.
///
/// An account is asked when it appears, again after an hour, and after a failure again in half a minute.
struct ModelDiscovery: Sendable {
    let control: ControlPlane
    let store: Store
    let logger: Logger

    private static let interval: Int64 = 3_600_000
    private static let retry: Int64 = 30_000

    /// Runs until the task is cancelled. `changes` yields when the configuration has changed.
    func run(changes: AsyncStream<Void>) async {
        var nextAt: [String: Int64] = [:]
        let ticks = AsyncStream<Void> { continuation in
            let timer = Task {
                while !Task.isCancelled {
                    continuation.yield()
                    try? await Task.sleep(for: .seconds(10))
                }
                continuation.finish()
            }
            let forwarder = Task {
                for await _ in changes { continuation.yield() }
            }
            continuation.onTermination = { _ in
                timer.cancel()
                forwarder.cancel()
            }
        }
        for await _ in ticks {
            if Task.isCancelled { return }
            await pass(&nextAt)
        }
    }

    private struct Subject: Sendable {
        var id: String
        var site: Site
        var credential: Credential
    }

    private func pass(_ nextAt: inout [String: Int64]) async {
        let now = SystemTime.unixMilliseconds()
        let due = await subjects().filter { now >= nextAt[$0.id] ?? 0 }
        guard !due.isEmpty else { return }
        let results = await withTaskGroup(of: (String, Bool).self) { group in
            for subject in due { group.addTask { (subject.id, await discover(subject)) } }
            return await group.reduce(into: [(String, Bool)]()) { $0.append($1) }
        }
        for (id, succeeded) in results {
            nextAt[id] = SystemTime.unixMilliseconds() + (succeeded ? Self.interval : Self.retry)
        }
    }

    /// Accounts, or their tokens where they have some, without a model list of their own.
    private func subjects() async -> [Subject] {
        await control.configuration.sites.filter(\.enabled).flatMap { site in
            site.accounts.filter { $0.enabled && $0.models == nil }.flatMap { account -> [Subject] in
                let id = "\(site.name)/\(account.name)"
                guard !account.tokens.isEmpty else {
                    return [Subject(id: id, site: site, credential: account.credential)]
                }
                return account.tokens.filter { $0.enabled && $0.models == nil }.map { token in
                    Subject(
                        id: "\(id)/\(token.name)", site: site,
                        credential: Credential(kind: "api_key", secrets: ["api_key": token.key]))
                }
            }
        }
    }

    private func discover(_ subject: Subject) async -> Bool {
        guard let instance = await control.instance(of: subject.site.name) else { return false }
        var state = AccountState(account: subject.id)
        state.checkedAt = SystemTime.unixMilliseconds()
        do {
            let result = try await instance.invoke(
                "models", account: AccountContext(id: subject.id, credential: subject.credential))
            let models = try Self.models(in: result)
            state.models = models
            state.modelsAt = state.checkedAt
            try? await store.saveAccountState(state)
            await control.discovered(models, by: subject.id)
            logger.info("models discovered", metadata: ["account": "\(subject.id)", "models": "\(models.count)"])
            return true
        } catch {
            state.models = await control.models(of: subject.id)
            state.lastError = "\(error)"
            try? await store.saveAccountState(state)
            logger.warning("models not discovered", metadata: ["account": "\(subject.id)", "reason": "\(error)"])
            return false
        }
    }

    /// Reads `{"models": [{"id": …}]}`, the result of the operation `models`.
    static func models(in document: [UInt8]) throws(JSONError) -> [ModelMapping] {
        let value = try JSONValue(parsing: document)
        return (value["models"]?.arrayValue ?? []).compactMap { entry in
            entry["id"]?.stringValue.map { ModelMapping(upstream: $0, card: card(entry, id: $0)) }
        }
    }

    /// What an entry says of its model. Numbers out of bounds, empty names and those that repeat the id say nothing.
    private static func card(_ entry: JSONValue, id: String) -> ModelCard {
        var card = ModelCard(createdAt: entry["created_at"]?.intValue.flatMap { $0 > 0 ? $0 : nil })
        if let name = entry["name"]?.stringValue, !name.isEmpty, name != id,
            (try? Validation.text(name, field: "name")) != nil
        {
            card.displayName = name
        }
        card.capabilities.contextWindow = limit(entry["context_window"])
        card.capabilities.maxOutputTokens = limit(entry["max_output_tokens"])
        card.capabilities.tools = entry["tools"]?.boolValue.map { $0 ? 1 : 0 }
        card.capabilities.thinking = entry["thinking"]?.boolValue.map { $0 ? 1 : 0 }
        if let input = entry["input"]?.arrayValue {
            func reads(_ word: String) -> Int { input.contains { $0.stringValue == word } ? 1 : 0 }
            card.capabilities.imageInput = reads("image")
            card.capabilities.audioInput = reads("audio")
            card.capabilities.videoInput = reads("video")
            card.capabilities.pdfInput = reads("pdf")
        }
        return card
    }

    private static func limit(_ value: JSONValue?) -> Int? {
        value?.intValue.flatMap { (1...1_000_000_000).contains($0) ? $0 : nil }
    }
}
