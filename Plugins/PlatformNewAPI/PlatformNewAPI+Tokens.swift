import PatchbayPlugin
import PatchbayWire

extension PlatformNewAPI {
    @Sendable func tokens(_ call: Call) async throws -> TokenList {
        let dashboard = dashboard(call)
        let rows = try await allTokens(dashboard)
        let quotaPerUSD = try await dashboard.quotaPerUSD()
        return TokenList(tokens: rows.compactMap { TokenReplies.entry($0, quotaPerUSD: quotaPerUSD) })
    }

    private static let pageSize = 100
    private static let maximumPages = 100

    private func page(_ number: Int, _ dashboard: Dashboard) async throws(PluginError) -> TokenPage {
        // The name of the size has changed twice; each generation reads its own.
        let size = Self.pageSize
        let reply = try await dashboard.authorised("GET", "/api/token/?p=\(number)&size=\(size)&page_size=\(size)")
        return try TokenPage(reply.data)
    }

    /// All tokens, newest first. Page 1 is the first page where pages are objects, and the second where they are
    /// arrays.
    private func allTokens(_ dashboard: Dashboard) async throws(PluginError) -> [JSONValue] {
        let first = try await page(1, dashboard)
        var rows: [JSONValue] = []
        var seen: Set<Int> = []
        func add(_ page: TokenPage) -> Bool {
            let fresh = page.rows.filter { row in row["id"]?.intValue.map { seen.insert($0).inserted } ?? false }
            rows += fresh
            return !fresh.isEmpty
        }
        if first.isPlain { _ = add(try await page(0, dashboard)) }
        var isOpen = add(first)
        var number = 2
        // A page that brings nothing new ends the list, whatever the site thinks of sizes and totals.
        while isOpen, number <= Self.maximumPages, first.total.map({ rows.count < $0 }) ?? true {
            isOpen = add(try await page(number, dashboard))
            number += 1
        }
        return rows
    }

    /// Creates a token. The site does not answer with it, so it is looked up by its name and revealed.
    @Sendable func createToken(_ wanted: TokenCreation, _ call: Call) async throws -> TokenEntry {
        guard !wanted.name.isEmpty else { throw PluginError(.invalid, "The argument name must not be empty.") }
        let dashboard = dashboard(call)
        let quotaPerUSD = try await dashboard.quotaPerUSD()
        _ = try await dashboard.authorised(
            "POST", "/api/token/", body: TokenReplies.creation(wanted, quotaPerUSD: quotaPerUSD))
        let named = try await allTokens(dashboard).filter { $0["name"]?.stringValue == wanted.name }
        guard let row = named.max(by: { ($0["id"]?.intValue ?? 0) < ($1["id"]?.intValue ?? 0) }),
            var entry = TokenReplies.entry(row, quotaPerUSD: quotaPerUSD)
        else {
            throw PluginError(.protocolViolation, "The site made the token \(wanted.name) but does not list it.")
        }
        if entry.key == nil {
            // Revealing is rate limited; the token exists all the same and can be revealed later.
            entry.key = try? await reveal(entry.id, dashboard)
        }
        return entry
    }

    @Sendable func revealToken(_ wanted: TokenReference, _ call: Call) async throws -> RevealedToken {
        let id = try Self.tokenID(wanted)
        return RevealedToken(id: id, key: try await reveal(id, dashboard(call)))
    }

    /// Asks for one key, then for a batch of one where that is limited or absent, then looks into the list, which shows
    /// whole keys on sites that mask none.
    private func reveal(_ id: String, _ dashboard: Dashboard) async throws(PluginError) -> String {
        let failure: PluginError
        do throws(PluginError) {
            let reply = try await dashboard.authorised("POST", "/api/token/\(id)/key")
            guard let key = TokenReplies.revealed(reply.data) else {
                throw PluginError(.protocolViolation, "The site's answer does not hold the key.")
            }
            return key
        } catch {
            guard error.code == .unsupported || error.code == .rateLimited else { throw error }
            failure = error
        }
        if let key = try await revealInBatch(id, dashboard) { return key }
        let row = try await allTokens(dashboard).first { $0["id"]?.intValue.map { String($0) } == id }
        guard let row else { throw PluginError(.notFound, "The site does not know a token with the id \(id).") }
        guard let key = TokenReplies.entry(row, quotaPerUSD: SiteStatus.defaultQuotaPerUSD)?.key else { throw failure }
        return key
    }

    private func revealInBatch(_ id: String, _ dashboard: Dashboard) async throws(PluginError) -> String? {
        do throws(PluginError) {
            let body: JSONValue = ["ids": .array([.int(Int(id) ?? 0)])]
            let reply = try await dashboard.authorised("POST", "/api/token/batch/keys", body: body)
            return TokenReplies.revealed(reply.data, id: id)
        } catch {
            guard error.code == .unsupported || error.code == .rateLimited || error.code == .notFound else {
                throw error
            }
            return nil
        }
    }

    @Sendable func deleteToken(_ wanted: TokenReference, _ call: Call) async throws -> Nothing {
        _ = try await dashboard(call).authorised("DELETE", "/api/token/\(try Self.tokenID(wanted))")
        return Nothing()
    }

    /// Ids are numbers here, and become part of a path.
    private static func tokenID(_ wanted: TokenReference) throws(PluginError) -> String {
        guard let number = UInt64(wanted.id) else {
            throw PluginError(.invalid, "The argument id must be a whole number, as tokens.list shows it.")
        }
        return String(number)
    }
}
