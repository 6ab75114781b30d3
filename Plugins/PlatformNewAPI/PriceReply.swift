import PatchbayPlugin
import PatchbayWire

/// Reads the answer of `/api/pricing`.
enum PriceReply {
    /// Ratios become US dollars per million tokens: `ratio × 1,000,000 / quota per dollar`, which is two dollars for
    /// ratio 1 at the usual 500,000.
    static func read(_ document: JSONValue, quotaPerUSD: Double, group: String? = nil) throws(PluginError) -> PriceList
    {
        guard let rows = document["data"]?.nonNull?.arrayValue else {
            throw PluginError(.protocolViolation, "The price list lacks the array data.")
        }
        let entries = rows.compactMap { entry($0, perRatio: 1e6 / quotaPerUSD) }
        var ratios: [String: Double] = [:]
        for member in document["group_ratio"]?.objectValue?.members ?? [] {
            if let ratio = member.value.doubleValue { ratios[member.key] = ratio }
        }
        guard let group else { return PriceList(prices: entries, groupRatios: ratios) }
        return PriceList(
            prices: entries.filter { $0.groups?.contains { $0 == group || $0 == "all" } ?? true },
            groupRatios: ratios.filter { $0.key == group })
    }

    private static func entry(_ row: JSONValue, perRatio: Double) -> PriceEntry? {
        guard let model = row["model_name"]?.stringValue, !model.isEmpty else { return nil }
        var entry = PriceEntry(model: model, billing: .unknown)
        entry.groups = row["enable_groups"]?.nonNull?.arrayValue?.compactMap(\.stringValue)
        entry.formats = ModelReplies.formats(row["supported_endpoint_types"])
        // A tiered expression replaces the ratios, which are still there and wrong.
        if row["billing_mode"]?.stringValue == "tiered_expr" { return entry }
        if row["quota_type"]?.intValue == 1 {
            entry.billing = .request
            entry.perRequestUSD = row["model_price"]?.doubleValue
            return entry
        }
        guard let ratio = row["model_ratio"]?.doubleValue else { return entry }
        let input = ratio * perRatio
        entry.billing = .token
        entry.input = rounded(input)
        entry.output = rounded(input * (row["completion_ratio"]?.doubleValue ?? 1))
        // Without a ratio cached tokens cost as much as others: absent means that.
        entry.cachedInput = row["cache_ratio"]?.doubleValue.map { rounded(input * $0) }
        entry.cacheWrite = row["create_cache_ratio"]?.doubleValue.map { rounded(input * $0) }
        return entry
    }

    /// To the microdollar per million tokens, so that 0.075 × 2 is 0.15.
    private static func rounded(_ price: Double) -> Double { (price * 1e6).rounded() / 1e6 }
}
