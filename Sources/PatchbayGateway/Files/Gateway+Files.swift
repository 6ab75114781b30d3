import Logging
import NIOCore
import PatchbayCore
import PatchbayStore

extension Gateway {
    /// The data plane goes on without the files if they cannot be opened; requests that need them are told.
    static func openFiles(_ settings: FileStoreSettings, _ directory: String, _ logger: Logger) -> FileStore? {
        guard settings.isOn else { return nil }
        do throws(StoreError) {
            return try FileStore(directory: directory, settings: settings)
        } catch {
            logger.error("files cannot be kept", metadata: ["reason": "\(error.sentence)"])
            return nil
        }
    }

    /// Lets what has expired go, every minute until the gateway ends.
    func sweep(_ files: FileStore) {
        loops.first?.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .minutes(1)) { _ in
            files.sweep()
        }
    }
}
