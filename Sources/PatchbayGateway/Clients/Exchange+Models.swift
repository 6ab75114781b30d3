import NIOCore
import PatchbayCore
import PatchbayRouting
import PatchbayWire

/// The lists of models: one path for three SDKs, which differ in what they send (formats.md section 0 fact 3).
extension Exchange {
    /// The models that the key may use, in the shape of the caller's SDK.
    func answerModels() {
        guard let key else { return }
        let models = snapshot.table.models(allowedBy: key.permissions)
        switch dialect {
        case .openAI where asksForCatalogue: answer(ModelList.codex(models))
        case .openAI: answer(ModelList.openAI(models))
        case .anthropic: answer(ModelList.anthropic(models))
        case .gemini: answer(ModelList.gemini(models))
        }
    }

    /// Whether the caller is Codex, which says its version and reads a list of another shape.
    private var asksForCatalogue: Bool { query.split(separator: "&").contains { $0.hasPrefix("client_version=") } }

    /// One entry of the list.
    func answerModel() throws(GatewayError) {
        guard let key else { return }
        let name = try pathModel()
        guard let model = snapshot.table.models(allowedBy: key.permissions).first(where: { $0.model == name }) else {
            throw GatewayError(
                .modelNotFound, "the model \"\(name)\" does not exist on this gateway", status: 404, parameter: "model")
        }
        var writer = JSONWriter()
        switch dialect {
        case .openAI: ModelList.writeOpenAI(model, into: &writer)
        case .anthropic: ModelList.writeAnthropic(model, into: &writer)
        case .gemini: ModelList.writeGemini(model, into: &writer)
        }
        answer(writer.bytes)
    }

    /// The dialect of a caller of the list.
    func listDialect(_ path: Dialect) -> Dialect {
        if path == .gemini { return .gemini }
        for field in connection.head.fields {
            if field.known == .xGoogAPIKey { return .gemini }
            if field.known == .anthropicVersion { return .anthropic }
        }
        return connection.headerText("x-goog-api-client") == nil ? path : .gemini
    }
}
