import PatchbayPlugin
import PatchbayWire

/// Reads the answers about an account. Quota units become US dollars.
enum AccountReplies {
    static func profile(_ data: JSONValue, quotaPerUSD: Double) throws(PluginError) -> Profile {
        guard let id = data["id"]?.intValue else {
            throw PluginError(.protocolViolation, "The site's answer about the account lacks the member id.")
        }
        return Profile(
            id: String(id), username: data["username"]?.stringValue ?? "",
            displayName: text(data["display_name"]), email: text(data["email"]), group: text(data["group"]),
            role: role(data["role"]?.intValue), status: status(data["status"]?.intValue),
            balanceUSD: dollars(data["quota"], quotaPerUSD), usedUSD: dollars(data["used_quota"], quotaPerUSD),
            requestCount: data["request_count"]?.intValue)
    }

    /// `quota` is what remains, not what was granted.
    static func balance(_ data: JSONValue, quotaPerUSD: Double) -> Balance {
        Balance(
            remainingUSD: dollars(data["quota"], quotaPerUSD), usedUSD: dollars(data["used_quota"], quotaPerUSD),
            quotaPerUSD: quotaPerUSD, source: "account")
    }

    /// The answer of `/api/usage/token/`: what one API key may spend.
    static func tokenBalance(_ data: JSONValue, quotaPerUSD: Double) -> Balance {
        let isUnlimited = data["unlimited_quota"]?.boolValue ?? false
        let end = data["expires_at"]?.intValue ?? 0
        return Balance(
            remainingUSD: isUnlimited ? nil : dollars(data["total_available"], quotaPerUSD),
            usedUSD: dollars(data["total_used"], quotaPerUSD),
            grantedUSD: isUnlimited ? nil : dollars(data["total_granted"], quotaPerUSD), unlimited: isUnlimited,
            expiresAt: end > 0 ? end : nil, quotaPerUSD: quotaPerUSD, source: "token")
    }

    /// The answers of `/v1/dashboard/billing/subscription` and `usage`, for sites that lack the other. The usage is in
    /// cents; the limit of an unlimited token is a hundred million dollars.
    static func billingBalance(subscription: JSONValue, usage: JSONValue) throws(PluginError) -> Balance {
        guard let limit = subscription["hard_limit_usd"]?.doubleValue else {
            throw PluginError(.protocolViolation, "The site's answer about billing lacks the member hard_limit_usd.")
        }
        let used = usage["total_usage"]?.doubleValue.map { $0 / 100 }
        let isUnlimited = limit >= 100_000_000
        return Balance(
            remainingUSD: isUnlimited ? nil : used.map { limit - $0 }, usedUSD: used,
            grantedUSD: isUnlimited ? nil : limit, unlimited: isUnlimited, source: "billing")
    }

    /// The answer of `GET /api/user/checkin`. That the site has no such thing is a status as well.
    static func checkinStatus(_ response: HTTPResponse, quotaPerUSD: Double) throws(PluginError) -> CheckinStatus {
        do throws(PluginError) {
            let data = try SiteReply(response).data
            let stats = data["stats"]
            return CheckinStatus(
                supported: true, enabled: data["enabled"]?.boolValue ?? true,
                checkedInToday: stats?["checked_in_today"]?.boolValue,
                totalCheckins: stats?["total_checkins"]?.intValue,
                totalAwardedUSD: dollars(stats?["total_quota"], quotaPerUSD))
        } catch {
            if SiteReply.message(of: response) == .checkinDisabled {
                return CheckinStatus(supported: true, enabled: false)
            }
            guard error.code == .unsupported else { throw error }
            return CheckinStatus(supported: false, enabled: false)
        }
    }

    /// The answer of `POST /api/user/checkin`. Done already, switched off and absent are results.
    static func checkin(_ response: HTTPResponse, quotaPerUSD: Double) throws(PluginError) -> CheckinResult {
        do throws(PluginError) {
            let award = try SiteReply(response).data["quota_awarded"]
            return CheckinResult(
                .done, awardedUSD: dollars(award, quotaPerUSD), message: "The account has checked in.")
        } catch {
            switch SiteReply.message(of: response) {
            case .checkinAlreadyDone:
                return CheckinResult(.alreadyDone, message: "The account has checked in today already.")
            case .checkinDisabled:
                return CheckinResult(.disabled, message: "The site has switched the check-in off.")
            default:
                guard error.code == .unsupported else { throw error }
                return CheckinResult(.unsupported, message: "The site has no check-in.")
            }
        }
    }

    /// An amount of quota in US dollars, to the microdollar; nil if it is not a number.
    static func dollars(_ quota: JSONValue?, _ quotaPerUSD: Double) -> Double? {
        guard let value = quota?.doubleValue, quotaPerUSD > 0 else { return nil }
        return (value / quotaPerUSD * 1e6).rounded() / 1e6
    }

    private static func text(_ value: JSONValue?) -> String? {
        value?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func role(_ number: Int?) -> String? {
        switch number {
        case 1: "user"
        case 10: "admin"
        case 100: "root"
        default: nil
        }
    }

    private static func status(_ number: Int?) -> String? {
        switch number {
        case 1: "active"
        case 2: "disabled"
        default: nil
        }
    }
}
