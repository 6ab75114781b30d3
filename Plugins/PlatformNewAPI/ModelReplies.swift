import PatchbayPlugin
import PatchbayWire

/// An answer of the relay that holds a document instead of a generation.
struct RelayReply: Sendable {
    var document: JSONValue

    /// - Throws: ``PluginError`` whose code follows from whose fault the relay's error is.
    init(_ response: HTTPResponse) throws(PluginError) {
        let verdict = response.body.withUnsafeBytes { bytes in
            RelayOutcome(status: response.status, body: ByteView(bytes), retryAfter: response.retryAfter).verdict
        }
        if let verdict, verdict.fault != .none { throw Self.error(verdict, status: response.status) }
        guard response.isSuccess, let document = try? JSONValue(parsing: response.body) else {
            let code: PluginError.Code =
                switch response.status {
                case 401: .auth
                case 403: .denied
                case 404: .unsupported
                case 500...: .unavailable
                default: .protocolViolation
                }
            throw PluginError(
                code, "The site answered with status \(response.status) where a list was expected.",
                httpStatus: response.status)
        }
        self.document = document
    }

    private static func error(_ verdict: Verdict, status: Int) -> PluginError {
        let code: PluginError.Code =
            switch verdict.fault {
            case .credential: .auth
            case .rate: .rateLimited
            case .challenge: .challenge
            case .endpoint: .unsupported
            case .overload, .model: .unavailable
            case .quota: .denied
            case .site where status < 500: .protocolViolation
            case .site, .network: .unavailable
            case .client, .none: .invalid
            }
        let details: String? =
            switch verdict.fault {
            case .credential: #"{"remedy":"replace"}"#
            case .challenge: #"{"challenge":"browser"}"#
            default: nil
            }
        return PluginError(
            code, verdict.reason, httpStatus: status, retryAfter: verdict.retryAfter, detailsJSON: details)
    }
}

/// Reads lists of models and groups.
enum ModelReplies {
    /// The answer of `/v1/models`. Its times are a constant, so they are left out.
    static func keyed(_ document: JSONValue) throws(PluginError) -> ModelList {
        guard let rows = document["data"]?.nonNull?.arrayValue else {
            throw PluginError(.protocolViolation, "The model list lacks the array data.")
        }
        let models = rows.compactMap { row -> ModelEntry? in
            guard let id = row["id"]?.stringValue, !id.isEmpty else { return nil }
            return ModelEntry(
                id: id, ownedBy: row["owned_by"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 },
                formats: formats(row["supported_endpoint_types"]))
        }
        return ModelList(models: unique(models))
    }

    /// The answer of `/api/user/models`: names. Null means none.
    static func dashboard(_ data: JSONValue) throws(PluginError) -> ModelList {
        guard data.isNull || data.arrayValue != nil else {
            throw PluginError(.protocolViolation, "The model list's member data must be an array.")
        }
        let names = (data.arrayValue ?? []).compactMap(\.stringValue).filter { !$0.isEmpty }
        return ModelList(models: unique(names.map { ModelEntry(id: $0) }))
    }

    /// Groups by name: an object with ratio and description, or in very old forks the description alone. The ratio of
    /// the group `auto` is a word.
    static func groups(_ data: JSONValue) throws(PluginError) -> GroupList {
        guard let members = data.objectValue else {
            throw PluginError(.protocolViolation, "The group list's member data must be an object.")
        }
        return GroupList(
            groups: members.map { member in
                GroupEntry(
                    id: member.key,
                    description: member.value["desc"]?.stringValue ?? member.value.stringValue,
                    ratio: member.value["ratio"]?.doubleValue)
            })
    }

    /// The wire formats among the site's endpoint types; nil if it does not say.
    static func formats(_ types: JSONValue?) -> [String]? {
        guard let names = types?.nonNull?.arrayValue else { return nil }
        let formats = names.compactMap { name -> String? in
            switch name.stringValue {
            case "openai": "openai.chat"
            case "anthropic": "anthropic.messages"
            case "openai-response": "openai.responses"
            case "gemini": "gemini.generate"
            case "embeddings": "openai.embeddings"
            default: nil
            }
        }
        return formats.isEmpty ? nil : formats
    }

    private static func unique(_ models: [ModelEntry]) -> [ModelEntry] {
        var seen: Set<String> = []
        return models.filter { seen.insert($0.id).inserted }
    }
}
