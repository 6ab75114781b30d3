import Foundation

/// `openssl s_server` on loopback with a certificate for `localhost` that an authority of its own has signed.
final class SecureServer {
    /// PEM files: who signed, and somebody who did not.
    let authority: String
    let stranger: String
    let port: Int
    private let process = Process()
    private let root: String

    init() throws {
        root = "\(NSTemporaryDirectory())patchbay-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        try Self.openssl("req -x509 \(key) -days 2 -subj /CN=authority -keyout ca.key -out ca.pem", in: root)
        try Self.openssl("req -x509 \(key) -days 2 -subj /CN=stranger -keyout other.key -out other.pem", in: root)
        try Self.openssl(
            "req \(key) -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout leaf.key -out leaf.csr", in: root)
        try Self.openssl(
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out leaf.pem",
            in: root)
        (authority, stranger) = ("\(root)/ca.pem", "\(root)/other.pem")
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.currentDirectoryURL = URL(filePath: root)
        process.arguments = ["s_server", "-accept", "127.0.0.1:0", "-cert", "leaf.pem", "-key", "leaf.key", "-www"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        port = try Self.port(from: output.fileHandleForReading)
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: root)
    }

    static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl") }

    /// The server says `ACCEPT 127.0.0.1:PORT` when it listens.
    private static func port(from handle: FileHandle) throws -> Int {
        var text = ""
        while true {
            let data = handle.availableData
            guard !data.isEmpty else { throw Failure(text: "the server ended: \(text)") }
            text += String(decoding: data, as: UTF8.self)
            for line in text.split(separator: "\n") where line.hasPrefix("ACCEPT ") && text.contains("\(line)\n") {
                if let port = line.split(separator: ":").last.flatMap({ Int($0) }) { return port }
            }
        }
    }

    private static func openssl(_ arguments: String, in directory: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.currentDirectoryURL = URL(filePath: directory)
        process.arguments = arguments.split(separator: " ").map(String.init)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(text: "openssl \(arguments)") }
    }

    private struct Failure: Error {
        var text: String
    }
}
