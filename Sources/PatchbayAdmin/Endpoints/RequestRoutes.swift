import PatchbayCore
import PatchbayWire

/// Finished requests and their sums.
struct RequestRoutes: Sendable {
    let backend: any AdminBackend

    var all: [AdminRoute] { [list, read, usage] }

    // MARK: - Views

    static let row: [View<RequestRecord>.Property] = [
        .string("id", "Unique; the `x-request-id` of the answer.") { $0.id },
        .member("time", .timestamp, "When its head had been read.") { .string(Timestamp.text(milliseconds: $0.time)) },
        .string("key", "Name of the key.") { $0.key },
        .string("model", "Public model name as requested.") { $0.model },
        .string("site", "Of the attempt that answered or of the last one; empty if there was none.") { $0.site },
        .string("account", "Of the same attempt.") { $0.account },
        .string("upstream_model", "Of the same attempt.") { $0.upstreamModel },
        .integer("status", "HTTP status that the client got.") { $0.status },
        .member("outcome", .choice(RequestOutcome.allCases.map(\.name)), "How it ended.") { .string($0.outcome.name) },
        .integer("attempts", "How many channels were tried.") { $0.attempts.count },
        tokens("input_tokens", "Prompt tokens, cached ones included; null = not reported.", \.usage.input),
        tokens("output_tokens", "Answer tokens, reasoning included; null = not reported.", \.usage.output),
        tokens("cached_tokens", "The part of the prompt read from a cache; null = not reported.", \.usage.cached),
        tokens("cache_write_tokens", "The part written to a cache; null = not reported.", \.usage.cacheWrite),
        tokens(
            "reasoning_tokens", "The part of the answer that was reasoning; null = not reported.", \.usage.reasoning),
        .boolean("estimated", "The tokens were estimated, not reported.") { $0.usage.estimated },
        .number("cost_usd", "In US dollars.") { $0.cost.dollars },
        .integer("latency_ms", "From the request head to the end of the answer.") { $0.latencyMilliseconds },
        .optionalInteger("first_token_ms", "To the first byte of content; null = none was sent.") {
            $0.firstTokenMilliseconds
        },
        .boolean("stream", "A stream was asked for.") { $0.stream },
        .string("client_format", "Wire format of the client.") { $0.clientFormat },
        .string("upstream_format", "Wire format of the upstream.") { $0.upstreamFormat },
        .string("error_code", "What went wrong; empty if nothing did.") { $0.errorCode },
        .strings("warnings", "What a conversion could not carry.") { $0.warnings },
    ]

    private static func tokens(
        _ name: String, _ note: String, _ count: @escaping @Sendable (RequestRecord) -> UInt64?
    ) -> View<RequestRecord>.Property {
        .optionalInteger(name, note) { count($0).map { Int(clamping: $0) } }
    }

    static let view = View<RequestRecord>("Request", "A finished request.", row)

    private static let attempt = View<AttemptRecord>(
        "Attempt", "One try of one channel.",
        [
            .string("site", "Name of the site.") { $0.site },
            .string("account", "Name of the account.") { $0.account },
            .string("upstream_model", "What the upstream calls the model.") { $0.upstreamModel },
            .integer("status", "HTTP status of the upstream; 0 = none arrived.") { $0.status },
            .string("fault", "`ok`, or whose fault its failure was.") { $0.fault },
            .string("reason", "One sentence; may be empty.") { $0.reason },
            .integer("ms", "How long it took.") { $0.milliseconds },
        ])

    static let detail = View<RequestRecord>(
        "RequestDetail", "A finished request with its attempts.",
        row + [
            .member("attempt_list", .array(attempt.schema), "The attempts in order.") {
                .array($0.attempts.map(attempt.document))
            }
        ])

    private static func sum(_ group: UsageQuery.Group) -> View<UsageSum>.Property {
        .member(group.rawValue, .string, "The \(group.rawValue) that the sums are of.") { .string($0.name) }
    }

    private static let sums: [View<UsageSum>.Property] = [
        .integer("requests", "All of them.") { $0.requests },
        .integer("failures", "Those that failed; what a client gave up is not among them.") { $0.failures },
        .integer("input_tokens", "Prompt tokens, cached ones included.") { Int(clamping: $0.inputTokens) },
        .integer("output_tokens", "Answer tokens, reasoning included.") { Int(clamping: $0.outputTokens) },
        .integer("cached_tokens", "Prompt tokens read from a cache.") { Int(clamping: $0.cachedTokens) },
        .number("cost_usd", "In US dollars.") { $0.cost.dollars },
    ]

    static func usageView(_ group: UsageQuery.Group) -> View<UsageSum> {
        let name = "UsageBy" + group.rawValue.prefix(1).uppercased() + group.rawValue.dropFirst()
        return View(name, "Sums over the requests of a \(group.rawValue).", [sum(group)] + sums)
    }

    private static func page(_ name: String, _ element: Schema) -> Schema {
        .record(
            Record(
                name, "A page of a list.",
                [
                    Field("data", .array(element), required: true, "The elements."),
                    Field("next", .string.orNull, required: true, "The cursor of the next page; null on the last."),
                ]))
    }

    // MARK: - Routes

    private static let times = [
        Field("since", .timestamp, "Not earlier than this."), Field("until", .timestamp, "Earlier than this."),
    ]

    private var list: AdminRoute {
        AdminRoute(
            method: .get, path: "/api/v1/requests", operation: "list_requests",
            summary: "List finished requests, the latest first.", tag: "requests",
            query: [
                Field("key", .string, "Of this key."), Field("model", .string, "Of this public model name."),
                Field("site", .string, "Answered by this site."),
                Field("account", .string, "Answered by this account."),
                Field("outcome", .choice(RequestOutcome.allCases.map(\.name)), "With this outcome."),
                Field("status", .integer(0...999), "With this HTTP status."),
            ] + Self.times + Paging.fields,
            success: .init(schema: Self.page("RequestList", Self.view.schema), note: "A page.")
        ) { [backend] call in
            let page = try await backend.requests(Self.query(call.query))
            return Paging.list(page.records.map(Self.view.document), next: page.next)
        }
    }

    private static func query(_ values: [String: String]) -> RequestQuery {
        var query = RequestQuery(limit: values["limit"].flatMap(Int.init) ?? 100)
        query.key = values["key"]
        query.model = values["model"]
        query.site = values["site"]
        query.account = values["account"]
        query.outcome = values["outcome"].flatMap { name in RequestOutcome.allCases.first { $0.name == name } }
        query.status = values["status"].flatMap(Int.init)
        query.since = values["since"].flatMap(Timestamp.milliseconds)
        query.until = values["until"].flatMap(Timestamp.milliseconds)
        query.cursor = values["cursor"]
        return query
    }

    private var read: AdminRoute {
        AdminRoute(
            method: .get, path: "/api/v1/requests/{id}", operation: "get_request",
            summary: "Read a finished request with its attempts.", tag: "requests",
            success: .init(schema: Self.detail.schema, note: "It."), errors: [.notFound]
        ) { [backend] call in
            guard let record = try await backend.request(id: call.id) else {
                throw AdminError(.notFound, "There is no finished request '\(call.id)'.")
            }
            return AdminAnswer(Self.detail.document(record))
        }
    }

    private var usage: AdminRoute {
        let groups = UsageQuery.Group.allCases
        return AdminRoute(
            method: .get, path: "/api/v1/usage", operation: "get_usage",
            summary: "Sum requests, tokens and cost by key, model or site.", tag: "usage",
            query: [
                Field("group_by", .choice(groups.map(\.rawValue)), "What is summed up; `key` unless given.")
            ] + Self.times,
            success: .init(
                schema: Self.page("UsageList", Schema(.either(groups.map { Self.usageView($0).schema }))),
                note: "All sums, the costliest first.")
        ) { [backend] call in
            let group = call.query["group_by"].flatMap(UsageQuery.Group.init) ?? .key
            let query = UsageQuery(
                group: group, since: call.query["since"].flatMap(Timestamp.milliseconds),
                until: call.query["until"].flatMap(Timestamp.milliseconds))
            let view = Self.usageView(group)
            return Paging.list(try await backend.usage(query).map(view.document), next: nil)
        }
    }
}
