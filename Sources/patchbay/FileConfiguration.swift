import PatchbayConfiguration
import PatchbayCore

/// Where the declared part of the configuration comes from: the file, what the command line overrides, and what the
/// first start has added.
struct FileConfiguration: Sendable {
    /// nil = there is no file.
    let path: String?
    let listen: ListenAddress?
    let adminListen: ListenAddress?
    /// What Patchbay has made by itself, such as the simulated site. It stays whatever the file says.
    var additions = Configuration()

    init(_ options: ServeOptions) {
        path = options.configurationPath
        listen = options.listen
        adminListen = options.adminListen
    }

    /// Reads the file as it is now.
    ///
    /// - Parameter mayBeEmpty: False refuses a file without a word, which is the first step of an editor or a copy more
    ///   often than anybody's wish.
    func read(mayBeEmpty: Bool) -> ConfigurationFile.Reading {
        var reading = ConfigurationFile.Reading(outcome: .success(Configuration()), files: [])
        if let path {
            reading = ConfigurationFile.read(path: path, environment: Environment.all, mayBeEmpty: mayBeEmpty)
        }
        reading.outcome = reading.outcome.map(completed)
        return reading
    }

    private func completed(_ configuration: Configuration) -> Configuration {
        var configuration = configuration
        if let listen { configuration.gateway.listen = listen }
        if let adminListen { configuration.admin.listen = adminListen }
        return configuration.adding(additions)
    }
}

/// What changes between two readings of the file beside definitions, in words for the log.
struct SettingChanges: Sendable, Hashable {
    /// In force at once.
    var applied: [String] = []
    /// Only a restart brings these into force.
    var needsRestart: [String] = []

    init(from old: Configuration, to new: Configuration) {
        func note(_ name: String, _ isDifferent: Bool, live: Bool = true) {
            guard isDifferent else { return }
            if live { applied.append(name) } else { needsRestart.append(name) }
        }
        note("gateway.listen", old.gateway.listen != new.gateway.listen)
        note("gateway.limits", old.gateway.limits != new.gateway.limits)
        note("gateway.timeouts", old.gateway.timeouts != new.gateway.timeouts)
        note("gateway.drain", old.gateway.drain != new.gateway.drain)
        note("gateway.max_hops", old.gateway.maxHops != new.gateway.maxHops)
        note("gateway.behind_cdn", old.gateway.isBehindCDN != new.gateway.isBehindCDN)
        note("gateway.responses", old.gateway.responses != new.gateway.responses, live: false)
        note("gateway.files", old.gateway.files != new.gateway.files, live: false)
        note("gateway.event_loops", old.gateway.eventLoops != new.gateway.eventLoops, live: false)
        note("admin.listen", old.admin.listen != new.admin.listen, live: false)
        note("admin.token", old.admin.token != new.admin.token, live: new.admin.token != nil)
        note("egress", old.egress != new.egress)
        note("prices", old.prices != new.prices)
    }
}
