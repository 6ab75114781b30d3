import Foundation
import Glibc
import Synchronization

@testable import PatchbayHost

/// A tiny HTTP/1.1 server on loopback: one connection after the other, one request each.
final class LocalServer: Sendable {
    typealias Handler = @Sendable (_ request: String) -> String?

    let port: Int
    private let listener: Int32
    private let seen = Mutex<[String]>([])

    /// Heads and bodies received so far.
    var requests: [String] { seen.withLock { $0 } }
    var base: String { "http://127.0.0.1:\(port)" }

    /// - Parameter handler: the whole answer, or nil to answer nothing until the client leaves.
    init(_ handler: @escaping Handler) {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(listener, $0, length)
                _ = listen(listener, 16)
                _ = getsockname(listener, $0, &length)
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        HostThread.start(name: "test-server") { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { break }
                Self.serve(connection, handler) { request in self?.seen.withLock { $0.append(request) } }
                close(connection)
            }
            // Here and not in stop(), where the number could be given to another server while this thread still uses it.
            close(listener)
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private static func serve(_ connection: Int32, _ handler: Handler, _ note: (String) -> Void) {
        var text = ""
        var room = [UInt8](repeating: 0, count: 65_536)
        while !isComplete(text) {
            let count = recv(connection, &room, room.count, 0)
            guard count > 0 else { return }
            text += String(decoding: room[..<count], as: UTF8.self)
        }
        note(text)
        guard let answer = handler(text) else {
            // Until the client closes.
            while recv(connection, &room, room.count, 0) > 0 {}
            return
        }
        let bytes = Array(answer.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    private static func isComplete(_ text: String) -> Bool {
        guard let end = text.range(of: "\r\n\r\n") else { return false }
        guard let header = text.lowercased().range(of: "content-length: ") else { return true }
        let length = Int(text[header.upperBound...].prefix { $0.isNumber }) ?? 0
        return text[end.upperBound...].utf8.count >= length
    }

    static func answer(_ body: String, status: String = "200 OK", headers: [String] = []) -> String {
        (["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)", "Connection: close"] + headers + ["", body])
            .joined(separator: "\r\n")
    }
}
