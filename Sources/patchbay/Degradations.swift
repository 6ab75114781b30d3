import PatchbayGateway
import Synchronization

/// What does not work although requests are served. Parts that notice something tell it here; readiness and metrics
/// show it.
final class Degradations: Sendable {
    enum Part: Int, CaseIterable, Sendable {
        /// The configuration file is broken; the last good one is in force.
        case configuration
        /// Definitions could not be read from the store; those that were read last are in force.
        case store
        /// The ledger does not reach the database and grows on disk.
        case ledgerImport
        /// The ledger does not reach the disk and grows in memory.
        case ledger

        /// As a metric label.
        var name: String {
            switch self {
            case .configuration: "configuration"
            case .store: "store"
            case .ledgerImport: "ledger_import"
            case .ledger: "ledger"
            }
        }
    }

    private let sentences = Mutex<[Part: String]>([:])
    private let gateway: Gateway

    init(gateway: Gateway) {
        self.gateway = gateway
    }

    /// - Parameter sentence: What is wrong, for people; nil = all is well again.
    /// - Returns: whether that is news.
    @discardableResult
    func set(_ part: Part, _ sentence: String?) -> Bool {
        let (isNews, isDegraded) = sentences.withLock { sentences in
            let isNews = sentences[part] != sentence
            sentences[part] = sentence
            return (isNews, !sentences.isEmpty)
        }
        gateway.setDegraded(isDegraded)
        return isNews
    }

    func has(_ part: Part) -> Bool { sentences.withLock { $0[part] != nil } }

    /// In the order of the parts.
    var all: [String] {
        sentences.withLock { sentences in Part.allCases.compactMap { sentences[$0] } }
    }
}
