internal import PatchbayCore
internal import PatchbayWire

/// Small operations on JSON documents of the control plane.
enum CallDocument {
    static func isDocument(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var tape = JSONTape()
        do {
            try tape.parse(bytes)
            return true
        } catch {
            return false
        }
    }

    /// The arguments of a call with what the host adds to every call: the site's `base_url` and the `account`.
    ///
    /// - Throws: ``PluginError`` with code `invalid` if `arguments` is not a JSON object.
    static func arguments(
        _ arguments: [UInt8], site: SiteContext, account: AccountContext?
    ) throws(PluginError) -> [UInt8] {
        var value: JSONValue
        do {
            value = try arguments.isEmpty ? .emptyObject : JSONValue(parsing: arguments)
        } catch {
            throw PluginError(.invalid, "The arguments are not JSON: \(error.message)")
        }
        guard value.objectValue != nil else {
            throw PluginError(.invalid, "The arguments must be a JSON object.")
        }
        if !site.baseURL.isEmpty { value["base_url"] = .string(site.baseURL) }
        if let account {
            var fields = JSONObject()
            for (name, text) in account.credential.fields.sorted(by: { $0.key < $1.key }) {
                fields.append(name, .string(text))
            }
            value["account"] = [
                "id": .string(account.id), "kind": .string(account.credential.kind), "fields": .object(fields),
            ]
        }
        return value.serialised()
    }
}
