import Logging
import PatchbayConfiguration
import PatchbayCore
import PatchbayGateway

extension ControlPlane {
    /// Why the file is read again; a word for the log.
    enum ReloadCause: String, Sendable {
        case signal
        case fileChange = "file_change"
    }

    /// Problems of one broken file that are logged one by one.
    private static let loggedProblems = 20

    /// Reads the configuration file again. A broken one is reported and changes nothing; a good one is in force in all
    /// loops when this returns. Requests in progress finish with the configuration that they began with.
    func reloadFile(_ cause: ReloadCause) async {
        guard source.path != nil else {
            logger.warning("no configuration file to read again", metadata: ["cause": "\(cause.rawValue)"])
            return
        }
        await enterApplying()
        defer { leaveApplying() }
        let startedAt = SystemTime.monotonicNanoseconds()
        let reading = source.read(mayBeEmpty: false)
        watchFiles(reading.files)
        switch reading.outcome {
        case .failure(let error): refused(error, cause)
        case .success(let next): await adopt(next, cause, startedAt: startedAt)
        }
    }

    private func refused(_ error: ConfigurationError, _ cause: ReloadCause) {
        for problem in error.problems.prefix(Self.loggedProblems) {
            logger.error("configuration file is broken", metadata: ["problem": "\(problem)"])
        }
        logger.error(
            "configuration file is not used, the last good one stays in force",
            metadata: ["problems": "\(error.problems.count)", "cause": "\(cause.rawValue)"])
        let first = error.problems.first.map { "\($0)" } ?? "it cannot be read"
        degradations.set(.configuration, "The configuration file is broken and the last good one in force: \(first)")
        reloads.count(succeeded: false)
    }

    private func adopt(_ next: Configuration, _ cause: ReloadCause, startedAt: Int64) async {
        let changes = SettingChanges(from: file, to: next)
        var next = next
        if changes.applied.contains("gateway.listen") { await moveListener(&next) }
        // What only a restart changes is compared with what is in force each time, so that it is named each time.
        next.gateway.eventLoops = file.gateway.eventLoops
        next.admin.listen = file.admin.listen
        if let token = next.admin.token, token != file.admin.token { tokenChanged(token) }
        file = next
        await loadAndPublish()
        degradations.set(.configuration, nil)
        reloads.count(succeeded: true)
        let microseconds = (SystemTime.monotonicNanoseconds() - startedAt) / 1_000
        logger.notice(
            "configuration file in force",
            metadata: [
                "cause": "\(cause.rawValue)", "sites": "\(configuration.sites.count)",
                "keys": "\(configuration.keys.count)", "settings": "\(changes.applied.joined(separator: ", "))",
                "took_us": "\(microseconds)",
            ])
        if !changes.needsRestart.isEmpty {
            logger.warning(
                "settings changed that only a restart brings into force",
                metadata: ["settings": "\(changes.needsRestart.joined(separator: ", "))"])
        }
    }

    private func moveListener(_ next: inout Configuration) async {
        let wanted = next.gateway.listen
        do {
            _ = try await gateway.move(to: wanted)
            logger.notice(
                "gateway has moved",
                metadata: ["from": "\(file.gateway.listen)", "to": "\(wanted)"])
        } catch {
            next.gateway.listen = file.gateway.listen
            logger.error(
                "gateway stays at its address, the new one cannot be listened on",
                metadata: ["address": "\(wanted)", "reason": "\(error)"])
        }
    }
}
