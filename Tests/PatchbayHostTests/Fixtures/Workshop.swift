import Foundation
import PatchbayCore
import Synchronization
@testable import PatchbayHost

/// A directory of one test: plugins are compiled into `plugins`, copies for loading go to `run`.
final class Workshop: Sendable {
    let root: String
    var plugins: String { "\(root)/plugins" }
    var run: String { "\(root)/run" }

    init() throws {
        root = "\(NSTemporaryDirectory())patchbay-host-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: "\(root)/plugins", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    func path(_ name: String) -> String { "\(plugins)/\(name)" }

    func registry(
        directories: [String]? = nil, allow: [String] = [], keyValues: any PluginKeyValueStore = MemoryKeyValueStore(),
        http: HTTPSettings = HTTPSettings()
    ) throws -> PluginRegistry {
        var services = HostServices(version: "test", keyValues: keyValues, egress: try EgressPolicy(allow: allow))
        services.http = http
        return PluginRegistry(directories: directories ?? [plugins], runDirectory: run, services: services)
    }

    /// Compiles the exerciser to `name` in the directory of plugins.
    @discardableResult
    func build(
        _ name: String = "libexerciser.so", manifest: String = Workshop.manifest(), defines: [String] = [],
        codec: Bool = false, into directory: String? = nil
    ) throws -> String {
        let image = try Self.image(manifest: manifest, defines: defines, codec: codec)
        let target = "\(directory ?? plugins)/\(name)"
        // The way a careful person installs a plugin: the file appears complete.
        let temporary = "\(root)/\(UUID().uuidString)"
        try image.write(to: URL(fileURLWithPath: temporary))
        chmod(temporary, 0o755)
        guard rename(temporary, target) == 0 else { throw BuildFailure(log: "rename failed") }
        return target
    }

    /// Compiled images by what they were compiled from; each is compiled once.
    private static let images = Mutex<[String: Data]>([:])

    private static func image(manifest: String, defines: [String], codec: Bool) throws -> Data {
        let key = ([manifest, "\(codec)"] + defines).joined(separator: "\u{0}")
        if let image = images.withLock({ $0[key] }) { return image }
        let stem = "\(NSTemporaryDirectory())patchbay-host-\(UUID().uuidString)"
        let files = ["\(stem).c", "\(stem)-codec.c", "\(stem).so"]
        defer { for file in files { unlink(file) } }
        try exerciserSource.write(toFile: files[0], atomically: true, encoding: .utf8)
        try codecSource.write(toFile: files[1], atomically: true, encoding: .utf8)
        var arguments = ["-shared", "-fPIC", "-O1", "-std=gnu11", "-fvisibility=hidden", "-w"]
        arguments += ["-I\(include)", "-DMANIFEST=\(literal(manifest))"]
        arguments += defines.map { "-D\($0)" } + (codec ? ["-DWITH_CODEC"] : [])
        try compile(arguments + ["-o", files[2], files[0], files[1]])
        let image = try Data(contentsOf: URL(fileURLWithPath: files[2]))
        images.withLock { $0[key] = image }
        return image
    }

    struct BuildFailure: Error {
        var log: String
    }

    private static func compile(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gcc"] + arguments
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        let log = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BuildFailure(log: String(decoding: log, as: UTF8.self)) }
    }

    private static let include: String = {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return tests.deletingLastPathComponent().deletingLastPathComponent().path + "/sdk/include"
    }()

    static func literal(_ text: String) -> String {
        let escaped = text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
        return "\"\(escaped.replacingOccurrences(of: "\n", with: "\\n"))\""
    }

    /// A manifest of the exerciser with every operation; `members` are added.
    static func manifest(id: String = "exerciser", kinds: String = "\"platform\"", _ members: String = "") -> String {
        let blocking: Set<String> = ["block", "perform", "kv", "reveal", "flags"]
        let names = [
            "echo", "config", "tag", "fail", "refuse", "silent", "garbage", "double", "flags", "block", "open",
            "releases",
            "hang", "later", "perform", "send", "kv", "walk", "reveal", "unknown",
        ]
        let operations = names.map { name in
            #"{"name":"\#(name)","mode":"\#(blocking.contains(name) ? "blocking" : "async")","timeout_ms":20000}"#
        }
        let list = operations.joined(separator: ",")
        return
            #"{"id":"\#(id)","version":"1.2.3","name":"Exerciser","kinds":[\#(kinds)],"operations":[\#(list)]\#(members)}"#
    }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}
