import PatchbayCore
import PatchbayGateway
import PatchbayStore
import PatchbayTelemetry

/// Looks after the ledger: whether it reaches the disk and the database, for readiness and metrics.
struct LedgerWatch: Sendable {
    private let importer: LedgerImporter
    private let gateway: Gateway
    private let degradations: Degradations

    init(importer: LedgerImporter, gateway: Gateway, degradations: Degradations, registry: MetricRegistry) {
        self.importer = importer
        self.gateway = gateway
        self.degradations = degradations
        define(in: registry)
    }

    /// Looks twice a second until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            look()
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    private func look() {
        degradations.set(
            .ledgerImport,
            importer.statistics.lastError.map { error in
                "The ledger is not imported into the database and grows on disk: \(error)"
            })
        let ledger = gateway.ledgerStatistics
        let lost = ledger.lost > 0 ? " \(ledger.lost) records have been lost." : ""
        degradations.set(
            .ledger,
            ledger.queued == 0
                ? nil : "The ledger cannot be written to the disk; \(ledger.queued) records wait in memory.\(lost)")
    }

    private func define(in registry: MetricRegistry) {
        let (importer, gateway, degradations) = (importer, gateway, degradations)
        registry.value("patchbay_store_up", help: "0 while definitions cannot be read or the ledger not be imported.") {
            degradations.has(.store) || importer.statistics.lastError != nil ? 0 : 1
        }
        registry.value("patchbay_degraded", help: "Parts that do not work although requests are served.") {
            Double(degradations.all.count)
        }
        registry.value(
            "patchbay_ledger_imported_total", help: "Requests imported into the database.", kind: .counter
        ) { Double(importer.statistics.imported) }
        registry.value(
            "patchbay_ledger_import_failures_total", help: "Passes of the import that failed.", kind: .counter
        ) { Double(importer.statistics.failures) }
        registry.value(
            "patchbay_ledger_segments", help: "Files of the ledger; one goes when it is full and in the database."
        ) { Double(importer.segmentCount) }
        registry.value("patchbay_ledger_queued_records", help: "Records in memory that wait for room on the disk.") {
            Double(gateway.ledgerStatistics.queued)
        }
        registry.value("patchbay_ledger_lost_total", help: "Records lost for lack of room.", kind: .counter) {
            Double(gateway.ledgerStatistics.lost)
        }
    }
}
