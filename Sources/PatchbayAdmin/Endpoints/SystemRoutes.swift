import PatchbayCore
import PatchbayWire

/// Plugins, metrics and health.
struct SystemRoutes: Sendable {
    let backend: any AdminBackend

    var all: [AdminRoute] { [plugins, plugin, metrics] + health }

    private static let view = View<PluginSummary>(
        "Plugin", "A plugin that was found.",
        [
            .string("id", "Unique among the loaded ones.") { $0.id },
            .string("version", "Of the plugin.") { $0.version },
            .strings("kinds", "What it is: platform, format, notifier.") { $0.kinds },
            .string("file", "Where it was found.") { $0.file },
            .string("sha256", "Of the file.") { $0.sha256 },
            .string("abi", "Version of the interface it was built for.") { $0.abi },
            .string("toolchain", "What it was built with.") { $0.toolchain },
            .string("state", "`loaded` or `refused`.") { $0.state },
            .string("sentence", "Why it was refused; empty if it was not.") { $0.sentence },
            .strings("formats", "Wire formats it knows or speaks.") { $0.formats },
            .strings("operations", "Control operations it offers.") { $0.operations },
        ])

    private var plugins: AdminRoute {
        let page = Record(
            "PluginList", "A page of a list.",
            [
                Field("data", .array(Self.view.schema), required: true, "By file."),
                Field("next", .string.orNull, required: true, "The cursor of the next page; null on the last."),
            ])
        return AdminRoute(
            method: .get, path: "/api/v1/plugins", operation: "list_plugins", summary: "List plugins.", tag: "plugins",
            query: Paging.fields, success: .init(schema: .record(page), note: "A page.")
        ) { [backend] call in
            Paging.answer(
                try await backend.plugins(), call: call, id: { $0.file.isEmpty ? $0.id : $0.file },
                document: Self.view.document)
        }
    }

    private var plugin: AdminRoute {
        AdminRoute(
            method: .get, path: "/api/v1/plugins/{id}", operation: "get_plugin", summary: "Read a plugin.",
            tag: "plugins",
            success: .init(schema: Self.view.schema, note: "It."), errors: [.notFound]
        ) { [backend] call in
            let found = try await backend.plugins().filter { $0.id == call.id }
            guard let plugin = found.first(where: { $0.state == "loaded" }) ?? found.first else {
                throw AdminError(.notFound, "There is no plugin '\(call.id)'.")
            }
            return AdminAnswer(Self.view.document(plugin))
        }
    }

    private var metrics: AdminRoute {
        let type = "text/plain; version=0.0.4; charset=utf-8"
        return AdminRoute(
            method: .get, path: "/metrics", operation: "get_metrics",
            summary: "Everything that is measured, for Prometheus. Without a token where only this machine can ask.",
            tag: "system", access: .metrics, success: .init(schema: .string, contentType: type, note: "The metrics.")
        ) { [backend] _ in AdminAnswer(contentType: type, text: await backend.metrics()) }
    }

    // MARK: - Health

    private struct Health {
        var obstacles: [String] = []
        var degradations: [String] = []

        var word: String { !obstacles.isEmpty ? "unavailable" : degradations.isEmpty ? "ok" : "degraded" }
    }

    private static let readiness = View<Health>(
        "Health", "Whether the process works.",
        [
            .member(
                "status", .choice(["ok", "degraded", "unavailable"]),
                "In one word; `degraded` = requests are served, but something behind them does not work."
            ) { .string($0.word) },
            .strings("reasons", "Why requests cannot be served now, or what does not work.") {
                $0.obstacles + $0.degradations
            },
        ])

    private var health: [AdminRoute] {
        let alive = route("/healthz", "get_liveness", "Whether the process answers.") { _ in
            AdminAnswer(Self.readiness.document(Health()))
        }
        var ready = route("/readyz", "get_readiness", "Whether requests can be served.") { [backend] _ in
            let health = Health(obstacles: await backend.obstacles(), degradations: await backend.degradations())
            return AdminAnswer(status: health.obstacles.isEmpty ? 200 : 503, Self.readiness.document(health))
        }
        ready.errors = [.unavailable]
        return [
            alive, alias("/health/liveliness", of: alive), alias("/health/liveness", of: alive), ready,
            alias("/health/readiness", of: ready),
        ]
    }

    private func route(
        _ path: String, _ operation: String, _ summary: String,
        handle: @escaping @Sendable (AdminCall) async throws -> AdminAnswer
    ) -> AdminRoute {
        AdminRoute(
            method: .get, path: path, operation: operation, summary: summary, tag: "system", access: .open,
            success: .init(schema: Self.readiness.schema, note: "It does."), handle: handle)
    }

    private func alias(_ path: String, of route: AdminRoute) -> AdminRoute {
        var alias = route
        alias.path = path
        alias.isAlias = true
        return alias
    }
}
