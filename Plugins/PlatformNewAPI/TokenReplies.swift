import PatchbayPlugin
import PatchbayWire

/// One page of `/api/token/`: a plain array in era A, an object with `items` since.
struct TokenPage: Sendable {
    var rows: [JSONValue]
    /// Number of all tokens; nil in a plain array.
    var total: Int?
    var isPlain: Bool

    init(_ data: JSONValue) throws(PluginError) {
        if let rows = data.arrayValue {
            self.rows = rows
            isPlain = true
        } else if let object = data.objectValue {
            rows = object["items"]?.arrayValue ?? []
            total = object["total"]?.intValue
            isPlain = false
        } else if data.isNull {
            rows = []
            isPlain = true
        } else {
            throw PluginError(.protocolViolation, "The token list's member data must be an array or an object.")
        }
    }
}

/// Reads tokens.
enum TokenReplies {
    static func entry(_ row: JSONValue, quotaPerUSD: Double) -> TokenEntry? {
        guard let id = row["id"]?.intValue else { return nil }
        let isUnlimited = row["unlimited_quota"]?.boolValue ?? false
        let created = row["created_time"]?.intValue ?? 0
        let end = row["expired_time"]?.intValue ?? -1
        var entry = TokenEntry(
            id: String(id), name: row["name"]?.stringValue ?? "", status: status(row["status"]?.intValue),
            group: row["group"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 },
            remainingUSD: isUnlimited ? nil : AccountReplies.dollars(row["remain_quota"], quotaPerUSD),
            usedUSD: AccountReplies.dollars(row["used_quota"], quotaPerUSD), unlimited: isUnlimited,
            models: models(row), createdAt: created > 0 ? created : nil, expiresAt: end > 0 ? end : nil)
        if let key = row["key"]?.stringValue, !key.isEmpty {
            if key.contains("*") { entry.maskedKey = prefixed(key) } else { entry.key = prefixed(key) }
        }
        return entry
    }

    /// The complete key; sites leave the prefix out.
    static func prefixed(_ key: String) -> String { key.hasPrefix("sk-") ? key : "sk-" + key }

    /// The key in the answer of `POST /api/token/:id/key`.
    static func revealed(_ data: JSONValue) -> String? {
        complete(data["key"]?.stringValue ?? data.stringValue)
    }

    /// The key of one id in the answer of `POST /api/token/batch/keys`.
    static func revealed(_ data: JSONValue, id: String) -> String? {
        complete(data["keys"]?[id]?.stringValue)
    }

    private static func complete(_ key: String?) -> String? {
        guard let key, !key.isEmpty, !key.contains("*") else { return nil }
        return prefixed(key)
    }

    private static func status(_ number: Int?) -> TokenEntry.Status {
        switch number {
        case 2: .disabled
        case 3: .expired
        case 4: .exhausted
        default: .enabled
        }
    }

    private static func models(_ row: JSONValue) -> [String]? {
        guard row["model_limits_enabled"]?.boolValue == true, let text = row["model_limits"]?.stringValue else {
            return nil
        }
        return text.split(separator: ",").map { String($0) }
    }

    /// The body of a creation. An amount makes the token a limited one unless the caller says otherwise.
    static func creation(_ wanted: TokenCreation, quotaPerUSD: Double) -> JSONValue {
        let isUnlimited = wanted.unlimited ?? (wanted.quotaUSD == nil)
        let quota = isUnlimited ? 0 : Int(((wanted.quotaUSD ?? 0) * quotaPerUSD).rounded())
        return [
            "name": .string(wanted.name), "expired_time": .int(wanted.expiresAt ?? -1), "remain_quota": .int(quota),
            "unlimited_quota": .bool(isUnlimited), "model_limits_enabled": .bool(wanted.models != nil),
            "model_limits": .string((wanted.models ?? []).joined(separator: ",")), "allow_ips": "",
            "group": .string(wanted.group ?? ""), "cross_group_retry": false,
        ]
    }
}
