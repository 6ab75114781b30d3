import PatchbayPlugin
import PatchbayWire

extension PlatformNewAPI {
    @Sendable func profile(_ call: Call) async throws -> Profile {
        let dashboard = dashboard(call)
        let reply = try await dashboard.authorised("GET", "/api/user/self")
        return try AccountReplies.profile(reply.data, quotaPerUSD: await dashboard.quotaPerUSD())
    }

    /// What the account has left, or, with nothing but an API key, what the key may spend.
    @Sendable func balance(_ call: Call) async throws -> Balance {
        let dashboard = dashboard(call)
        guard dashboard.credential == .none, dashboard.hasKey else {
            let reply = try await dashboard.authorised("GET", "/api/user/self")
            return AccountReplies.balance(reply.data, quotaPerUSD: try await dashboard.quotaPerUSD())
        }
        do throws(PluginError) {
            let reply = try SiteReply(try await dashboard.keyed("/api/usage/token/"))
            return AccountReplies.tokenBalance(reply.data, quotaPerUSD: try await dashboard.quotaPerUSD())
        } catch {
            guard error.code == .unsupported else { throw error }
        }
        // Sites from before April 2025.
        let subscription = try RelayReply(await dashboard.keyed("/v1/dashboard/billing/subscription")).document
        let usage = try RelayReply(await dashboard.keyed("/v1/dashboard/billing/usage")).document
        return try AccountReplies.billingBalance(subscription: subscription, usage: usage)
    }

    @Sendable func checkinStatus(_ call: Call) async throws -> CheckinStatus {
        let dashboard = dashboard(call)
        let month = Month(unixSeconds: Int64(call.host.clock.unixSeconds)).text
        let response = try await dashboard.authorisedResponse("GET", "/api/user/checkin?month=\(month)")
        return try AccountReplies.checkinStatus(response, quotaPerUSD: await dashboard.quotaPerUSD())
    }

    @Sendable func checkIn(_ arguments: CheckinArguments, _ call: Call) async throws -> CheckinResult {
        let dashboard = dashboard(call)
        // First, so that nothing can fail between the check-in and its result.
        let quotaPerUSD = try await dashboard.quotaPerUSD()
        let turnstile = arguments.turnstile.map { "?turnstile=\(Self.escaped($0))" } ?? ""
        let response = try await dashboard.authorisedResponse("POST", "/api/user/checkin" + turnstile)
        return try AccountReplies.checkin(response, quotaPerUSD: quotaPerUSD)
    }
}

/// A month of the calendar, as the check-in's status wants it.
struct Month {
    /// `2026-08`.
    let text: String

    init(unixSeconds: Int64) {
        // Days since 0000-03-01, so that a leap day is the last of its year.
        let days = unixSeconds / 86_400 + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        text = "\(year)-\(month < 10 ? "0" : "")\(month)"
    }
}
