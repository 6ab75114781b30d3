import FoundationEssentials

/// What the host adds to the arguments of every operation.
struct StandardArguments: Decodable, Sendable {
    var baseURL = ""
    var account: AccountContext?

    private enum CodingKeys: String, CodingKey {
        case baseURL = "base_url"
        case account
    }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        baseURL = try container.decodeIfPresent(String.self, forKey: .baseURL) ?? ""
        account = try container.decodeIfPresent(AccountContext.self, forKey: .account)
    }

    /// Reads them from the arguments, and the base URL from the configuration where the arguments have none.
    static func read(_ arguments: [UInt8], configuration: [UInt8]) throws(PluginError) -> StandardArguments {
        var result = try JSONText.decode(StandardArguments.self, from: arguments, as: "arguments", failure: .invalid)
        if result.baseURL.isEmpty,
            let other = try? JSONDecoder().decode(StandardArguments.self, from: Data(configuration))
        {
            result.baseURL = other.baseURL
        }
        while result.baseURL.hasSuffix("/") { result.baseURL.removeLast() }
        return result
    }
}
