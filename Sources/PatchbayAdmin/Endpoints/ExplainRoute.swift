import PatchbayCore
import PatchbayRouting
import PatchbayWire

/// Why a model goes where it goes.
struct ExplainRoute: Sendable {
    let backend: any AdminBackend

    private static let price = View<ModelPrice>(
        "Price", "US dollars per million tokens.",
        [
            .number("input", "Of a prompt token.") { perMillion($0.input) },
            .number("output", "Of an answer token.") { perMillion($0.output) },
            .number("cached_input", "Of a prompt token read from a cache.") { perMillion($0.cachedInput ?? $0.input) },
            .number("cache_write", "Of a prompt token written to a cache.") { perMillion($0.cacheWrite ?? $0.input) },
            .number("per_request", "US dollars of each request.") { $0.perRequest.dollars },
        ])

    /// Picodollars per token are microdollars per million tokens.
    private static func perMillion(_ money: Money) -> Double { Double(money.picodollars) / 1e6 }

    private static let candidate = View<ExplainedCandidate>(
        "Candidate", "A channel that the route offers.",
        [
            .string("channel", "`site/account[/token]:upstream-model`.") { $0.channel },
            .string("site", "Name of the site.") { $0.site },
            .string("account", "Name of the account.") { $0.account },
            .optionalString("token", "Name of the token; null = the account's own credential.") { $0.token },
            .string("upstream_model", "What the upstream calls the model.") { $0.upstreamModel },
            .strings("formats", "Wire formats it speaks.") { $0.formats.map(\.rawValue) },
            .integer("priority", "Lower numbers are tried first.") { $0.priority },
            .integer("weight", "Share inside the priority group.") { $0.weight },
            .number("share", "Chance to be the first of its priority group.") { $0.share },
            .member("price", price.schema.orNull, "Null = no price is known.") {
                $0.price.map(price.document) ?? .null
            },
            .boolean("taken", "It would be tried.") { $0.position != nil },
            .optionalInteger("position", "As which; null = not at all.") { $0.position },
            .member("reason", .choice(ExplainedCandidate.Reason.allCases.map(\.rawValue)), "Why or why not.") {
                .string($0.reason.rawValue)
            },
            .string("sentence", "The same for people.") { $0.sentence },
            .member("cooling", cooling.schema.orNull, "Why and how long it rests; null = it does not.") {
                $0.coolingFault == nil ? .null : cooling.document($0)
            },
            .member(
                "resting_formats", .array(restingFormat.schema), "Wire formats that proved unsupported there."
            ) {
                .array($0.restingFormats.map(restingFormat.document))
            },
            .optionalString("learned_streaming", "`always` or `never`, where the upstream's answers showed it.") {
                $0.learnedStreaming?.rawValue
            },
            .integer("requests", "Attempts since the start.") { Int(clamping: $0.counters.attempts) },
            .integer("failures", "Failed attempts since the start.") { Int(clamping: $0.counters.failures) },
            .integer("in_flight", "Attempts under way.") { $0.counters.inFlight },
            .member("gates", .array(gate.schema), "Numbers of places that it shares with others.") {
                .array($0.gates.map(gate.document))
            },
        ])

    private static let gate = View<ExplainedGate>(
        "Gate", "A number of places for attempts, and the line before it.",
        [
            .string("scope", "Whose: site, account or route.") { $0.scope },
            .string("name", "Its name.") { $0.name },
            .integer("places", "Attempts at once.") { $0.places },
            .integer("taken", "Attempts under way.") { $0.taken },
            .integer("waiting", "Requests in the line.") { $0.waiting },
            .integer("queue_length", "The longest line.") { $0.queueLength },
        ])

    private static let limit = View<ExplainedLimit>(
        "LimitState", "What is left of a limit.",
        [
            .string("scope", "Whose: key or group.") { $0.scope },
            .string("name", "Its name.") { $0.name },
            .string("limit", "requests or tokens per minute, or concurrency.") { $0.limit },
            .integer("value", "The limit.") { $0.value },
            .integer("remaining", "What is left of it now.") { $0.remaining },
            .integer("wait_ms", "Until a request would be let in; 0 = now.") { Int(clamping: $0.waitMilliseconds) },
        ])

    private static let restingFormat = View<ExplainedEndpoint>(
        "RestingFormat", "A wire format that proved unsupported.",
        [
            .string("format", "The wire format.") { $0.format.rawValue },
            .optionalInteger("ms", "Until it is tried again; null = not before its credential is renewed.") {
                $0.milliseconds == .max ? nil : Int(clamping: $0.milliseconds)
            },
            .string("reason", "What the upstream said.") { $0.reason },
        ])

    private static let cooling = View<ExplainedCandidate>(
        "Cooling", "A rest after failures.",
        [
            .string("party", "Who rests: site, credential, channel or endpoint.") { $0.coolingParty?.rawValue ?? "" },
            .string("fault", "Whose fault the failure was.") { $0.coolingFault?.name ?? "" },
            .optionalInteger("ms", "How long yet; null = until its credential is renewed.") {
                $0.coolingMilliseconds.flatMap { $0 == .max ? nil : Int(clamping: $0) }
            },
        ])

    private static let match = View<RouteExplanation.MatchedRoute>(
        "MatchedRoute", "The route that applies.",
        [
            .string("model", "The name or pattern that was found.") { $0.model },
            .optionalString("pattern", "The pattern that was declared, if the route comes from one.") { $0.pattern },
            .member("source", .choice(["file", "store", "generated"]), "Where it was declared.") {
                .string($0.source.rawValue)
            },
        ])

    private static let view = View<RouteExplanation>(
        "Explanation", "Why a model goes where it goes.",
        [
            .string("model", "What was asked for.") { $0.model },
            .optionalString("key", "Name of the key whose permissions apply.") { $0.key },
            .member("outcome", .choice(RouteExplanation.Outcome.allCases.map(\.rawValue)), "What would happen.") {
                .string($0.outcome.rawValue)
            },
            .string("summary", "The same for people.") { $0.summary },
            .member("route", match.schema.orNull, "Null = no route applies.") { $0.route.map(match.document) ?? .null },
            .string("seed", "Of the random choice inside priority groups.") { String($0.seed) },
            .member("limits", .array(limit.schema), "What is left of the limits of the key and of its group.") {
                .array($0.limits.map(limit.document))
            },
            .optionalInteger("retry_after_ms", "When nothing can be sent now: until something can.") {
                $0.retryAfterMilliseconds.map { Int(clamping: $0) }
            },
            .member(
                "candidates", .array(candidate.schema), "In the order in which they would be tried, then the others."
            ) {
                .array($0.candidates.map(candidate.document))
            },
            .strings("problems", "What is wrong with the route.") { $0.problems },
        ])

    var route: AdminRoute {
        AdminRoute(
            method: .post, path: "/api/v1/explain", operation: "explain_route",
            summary: "Explain which channels a request would be sent to, and why.", tag: "routes",
            body: Record(
                "ExplainInput", "What would be asked for.",
                [
                    Field("model", Shared.modelName, required: true, "Public model name."),
                    Field("key", .string.orNull, secret: false, "Name of the key, or the key itself."),
                    Field(
                        "format", .string.orNull,
                        "Wire format of the request, such as `openai.chat`; null = any: what one endpoint of a site "
                            + "lacks does not count."),
                ]),
            success: .init(schema: Self.view.schema, note: "The explanation.")
        ) { [backend] call in
            let key = try await Self.key(call.body["key"]?.stringValue, backend)
            let format = call.body["format"]?.stringValue.map(WireFormat.init(rawValue:))
            let explanation = try await backend.explain(
                model: call.body["model"]?.stringValue ?? "", key: key, format: format)
            return AdminAnswer(Self.view.document(explanation))
        }
    }

    /// By name, else by its text.
    private static func key(_ text: String?, _ backend: any AdminBackend) async throws -> Key? {
        guard let text else { return nil }
        let keys = try await backend.configuration().keys
        if let named = keys.first(where: { $0.name == text }) { return named }
        let digest = backend.clientKey(Secret(text)).digest
        guard let known = keys.first(where: { $0.digest == digest }) else {
            throw AdminError(.invalidField, "key is neither the name of a key nor a key.", field: "key")
        }
        return known
    }
}
