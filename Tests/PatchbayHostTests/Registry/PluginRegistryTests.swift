import Foundation
import PatchbayCore
import Testing

@testable import PatchbayHost

struct PluginRegistryTests {
    let workshop: Workshop

    init() throws {
        workshop = try Workshop()
    }

    private func refusal(of registry: PluginRegistry, file: String) -> PluginRefusal? {
        for plugin in registry.plugins where plugin.file == file {
            if case .refused(let refusal) = plugin.state { return refusal }
        }
        return nil
    }

    private func refusalAfterScan(_ file: String) throws -> PluginRefusal? {
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        return refusal(of: registry, file: file)
    }

    // MARK: - Loading

    @Test func loadsAPluginAndDescribesIt() throws {
        let file = try workshop.build()
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        let plugin = try #require(registry.plugins.first)
        #expect(registry.plugins.count == 1)
        #expect(plugin.id == "exerciser")
        #expect(plugin.version == "1.2.3")
        #expect(plugin.kinds == [.platform])
        #expect(plugin.file == file)
        #expect(plugin.sha256?.count == 64)
        #expect(plugin.abi == "1.0")
        #expect(plugin.toolchain == "gcc of the tests")
        #expect(plugin.state == .loaded)
        #expect(plugin.generation == 1)
        #expect(plugin.operations.contains { $0.name == "echo" })
        // The private copy is gone once the image is mapped.
        #expect(try FileManager.default.contentsOfDirectory(atPath: workshop.run) == [])
    }

    @Test func findsNothingInADirectoryThatDoesNotExist() throws {
        let registry = try workshop.registry(directories: ["/nonexistent/plugins"])
        defer { registry.stop() }
        registry.scan()
        #expect(registry.plugins == [])
    }

    @Test func looksOnlyAtSharedLibraries() throws {
        try workshop.build("readme.txt")
        try workshop.build(".hidden.so")
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        #expect(registry.plugins == [])
    }

    @Test func aHostDestroysAnInstanceWhenTheLastReferenceIsGone() async throws {
        try workshop.build()
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        let mark = workshop.path("destroyed")
        do {
            let instance = try registry.instance(pluginID: "exerciser", configuration: #"{"mark":"\#(mark)"}"#)
            #expect(registry.plugins.first?.counters.instances == 1)
            #expect(!FileManager.default.fileExists(atPath: mark))
            withExtendedLifetime(instance) {}
        }
        // The pool's lane for destroying is serial: another instance's end comes after it.
        try await until { registry.plugins.first?.counters.instances == 0 }
        #expect(FileManager.default.fileExists(atPath: mark))
    }

    @Test func passesOnTheSentenceOfCreate() throws {
        try workshop.build()
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        #expect(throws: PluginError(.invalid, "The field name must not be bad.")) {
            try registry.instance(pluginID: "exerciser", configuration: #"{"name":"bad"}"#)
        }
        #expect(throws: PluginError(.notFound, "There is no plugin with the id other.")) {
            try registry.instance(pluginID: "other")
        }
    }

    @Test func aQuarantinedPluginMakesNoInstances() throws {
        try workshop.build()
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        registry.quarantine(pluginID: "exerciser", reason: "It ended calls twice.")
        #expect(registry.plugins.first?.state == .quarantined("It ended calls twice."))
        #expect(throws: PluginError(.unavailable, "The plugin exerciser is quarantined: It ended calls twice.")) {
            try registry.instance(pluginID: "exerciser")
        }
        registry.release(pluginID: "exerciser")
        _ = try registry.instance(pluginID: "exerciser")
    }

    // MARK: - Refusing

    @Test(
        "a module that does not fit is refused with what it is and what the host has",
        arguments: [
            (["MAGIC=0x12345678"], "The module record begins with 0x12345678 instead of 0x314d4250."),
            (["MODULE_SIZE=40"], "The module record has 40 bytes; this host needs at least 64."),
            (
                ["NEEDS_MINOR=99"],
                "The module needs version 1.99 of the plugin ABI (built with gcc of the tests); this host has 1.1."
            ),
            (
                ["ABI_MAJOR=3"],
                "The module is built for major version 3 of the plugin ABI (built with gcc of the tests); this host has 1.1."
            ),
            (["PLUGIN_ID=\"impostor\""], "The plugin calls itself \"impostor\", its manifest \"exerciser\"."),
            (["OTHER_MANIFEST=\"{}\""], "The manifest that the module returns differs from the one in its section."),
        ])
    func modules(defines: [String], sentence: String) throws {
        let file = try workshop.build(defines: defines)
        #expect(try refusalAfterScan(file)?.sentence == sentence)
    }

    @Test func refusesAManifestThatPromisesWhatIsNotThere() throws {
        let file = try workshop.build(manifest: Workshop.manifest(kinds: "\"format\""))
        #expect(
            try refusalAfterScan(file)?.sentence
                == "The manifest names the kind format, but patchbay.codec/1 is missing.")
    }

    @Test func refusesABrokenManifest() throws {
        let file = try workshop.build(manifest: "{\"id\": 1}")
        #expect(try refusalAfterScan(file)?.sentence == "The manifest's member id must be a string.")
    }

    @Test func refusesWhatEverybodyMayWrite() throws {
        let file = try workshop.build()
        chmod(file, 0o757)
        #expect(
            try refusalAfterScan(file)
                == PluginRefusal(
                    .unsafePermissions, "Everybody may write to the file; remove the permission with chmod o-w."))
        chmod(file, 0o755)
        chmod(workshop.plugins, 0o777)
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        #expect(refusal(of: registry, file: file)?.code == .unsafePermissions)
        // The file has not changed, but what was wrong is.
        chmod(workshop.plugins, 0o755)
        registry.scan()
        #expect(registry.plugins.map(\.state) == [.loaded])
        chmod(workshop.plugins, 0o777)
        #expect(
            try refusalAfterScan(file)?.sentence
                == "Everybody may write to the directory \(workshop.plugins); remove the permission with chmod o-w.")
    }

    @Test func refusesALinkThatLeavesItsDirectory() throws {
        let outside = try workshop.build("outside.so", into: workshop.root)
        let link = workshop.path("link.so")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: outside)
        let refusal = try refusalAfterScan(link)
        #expect(refusal?.code == .symlinkOutside)
        #expect(refusal?.sentence.hasPrefix("The file is a link that leaves its directory; it leads to ") == true)
    }

    @Test func followsALinkInsideOfItsDirectory() throws {
        try workshop.build("libexerciser.so.1")
        try FileManager.default.createSymbolicLink(
            atPath: workshop.path("libexerciser.so"), withDestinationPath: "libexerciser.so.1")
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        #expect(registry.plugins.map(\.state) == [.loaded])
    }

    @Test func theSameIDInASecondFileNamesBoth() throws {
        let first = try workshop.build("a.so")
        let second = try workshop.build("b.so", defines: ["VERSION_TAG=\"two\""])
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        #expect(
            refusal(of: registry, file: second)?.sentence
                == "The id exerciser belongs to the plugin in \(first); the one in \(second) is not used.")
        // When the first is gone, the second one's time has come.
        unlink(first)
        registry.scan()
        #expect(refusal(of: registry, file: second) == nil)
        #expect(registry.plugins.map(\.file) == [second])
    }

    @Test func theSamePluginTwiceIsNoProblem() throws {
        let first = try workshop.build("a.so")
        try FileManager.default.copyItem(atPath: first, toPath: workshop.path("b.so"))
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        #expect(registry.plugins.map(\.file) == [first])
        #expect(registry.plugins.map(\.state) == [.loaded])
    }

    @Test func librariesBesideTheExecutableAreNoPluginsAndNoProblem() throws {
        let registry = try workshop.registry()
        defer { registry.stop() }
        let own = try #require(registry.ownDirectory)
        #expect(
            own == PluginFile.realPath("/proc/self/exe").map { String($0[..<($0.lastIndex(of: "/") ?? $0.endIndex)]) })
        try workshop.build("libother.so", defines: ["ENTRY=something_else"])
        registry.scan()
        #expect(registry.plugins.map(\.file) == [workshop.path("libother.so")])
    }

    // MARK: - Generations

    @Test func aChangedFileServesNewInstancesWhileOldOnesLiveOn() async throws {
        let file = try workshop.build()
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        let old = try registry.instance(pluginID: "exerciser")
        try workshop.build(defines: ["VERSION_TAG=\"two\""])
        registry.scan()
        let new = try registry.instance(pluginID: "exerciser")
        #expect(old.generation == 1)
        #expect(new.generation == 2)
        #expect(registry.generation(of: "exerciser") == 2)
        #expect(try await old.invoke("tag").text == "\"one\"")
        #expect(try await new.invoke("tag").text == "\"two\"")
        #expect(registry.plugins.map(\.file) == [file])
    }

    @Test func aBrokenUpdateLeavesTheOldPluginServing() async throws {
        let file = try workshop.build()
        let registry = try workshop.registry()
        defer { registry.stop() }
        registry.scan()
        try workshop.build(defines: ["NEEDS_MINOR=7"])
        registry.scan()
        let plugin = try #require(registry.plugins.first)
        #expect(registry.plugins.count == 1)
        #expect(plugin.file == file)
        #expect(plugin.state == .loaded)
        #expect(plugin.rejectedUpdate?.code == .abiMinor)
        #expect(try await registry.instance(pluginID: "exerciser").invoke("tag").text == "\"one\"")
    }

    @Test(.timeLimit(.minutes(5)))
    func aFileThatIsDroppedIntoTheDirectoryIsUsable() async throws {
        let built = try workshop.build("ready", into: workshop.root)
        let registry = try workshop.registry()
        defer { registry.stop() }
        let (changes, change) = AsyncStream.makeStream(of: Void.self)
        registry.onChange { change.yield() }
        registry.startWatching()
        // Copying writes in place, the way `cp` does.
        try FileManager.default.copyItem(atPath: built, toPath: workshop.path("libdropped.so"))
        for await _ in changes where registry.generation(of: "exerciser") != nil { break }
        #expect(try await registry.instance(pluginID: "exerciser").invoke("echo").text == "{}")
    }

    @Test(.timeLimit(.minutes(5)), arguments: ["ready", "libexerciser.so.1"])
    func aLinkThatAppearsIsNoticed(target: String) async throws {
        let built = try workshop.build(target)
        let registry = try workshop.registry()
        defer { registry.stop() }
        let (changes, change) = AsyncStream.makeStream(of: Void.self)
        registry.onChange { change.yield() }
        registry.startWatching()
        let link = workshop.path("lib.so")
        if target == "ready" {
            try FileManager.default.linkItem(atPath: built, toPath: link)
        } else {
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        }
        for await _ in changes where registry.generation(of: "exerciser") != nil { break }
        #expect(registry.plugins.map(\.file) == [link])
    }

    @Test(.timeLimit(.minutes(5)))
    func aDirectoryThatAppearsLaterIsWatched() async throws {
        let built = try workshop.build("ready", into: workshop.root)
        let late = "\(workshop.root)/late"
        let registry = try workshop.registry(directories: [late])
        defer { registry.stop() }
        let (changes, change) = AsyncStream.makeStream(of: Void.self)
        registry.onChange { change.yield() }
        registry.startWatching()
        try FileManager.default.createDirectory(atPath: late, withIntermediateDirectories: false)
        chmod(late, 0o755)
        guard rename(built, "\(late)/lib.so") == 0 else { throw Workshop.BuildFailure(log: "rename failed") }
        for await _ in changes where registry.generation(of: "exerciser") != nil { break }
        #expect(registry.plugins.map(\.state) == [.loaded])
    }
}
