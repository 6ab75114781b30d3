import PatchbayCore
import PatchbayTelemetry
import Synchronization

/// How often the configuration file was read again, and with what result.
final class ReloadMetrics: Sendable {
    private let registry: MetricRegistry
    private let reloads: MetricFamily
    private let succeeded = Atomic<Bool>(true)
    /// Milliseconds since 1970.
    private let succeededAt = Atomic<Int64>(SystemTime.unixMilliseconds())

    init(_ registry: MetricRegistry) {
        self.registry = registry
        reloads = registry.counter(
            "patchbay_config_reloads_total", help: "Readings of a changed configuration file, by result.",
            labels: ["result"])
        registry.value(
            "patchbay_config_last_reload_successful", help: "1 if the configuration file was good when read last."
        ) { [weak self] in self?.succeeded.load(ordering: .relaxed) ?? true ? 1 : 0 }
        registry.value(
            "patchbay_config_last_reload_success_timestamp_seconds",
            help: "Seconds since 1970 when a configuration file came into force."
        ) { [weak self] in Double(self?.succeededAt.load(ordering: .relaxed) ?? 0) / 1_000 }
    }

    func count(succeeded isGood: Bool) {
        registry.shard(.max).add(1, to: registry.cell(reloads, [isGood ? "ok" : "refused"]))
        succeeded.store(isGood, ordering: .relaxed)
        if isGood { succeededAt.store(SystemTime.unixMilliseconds(), ordering: .relaxed) }
    }
}
