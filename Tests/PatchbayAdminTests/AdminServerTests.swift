import Foundation
import Logging
import PatchbayAdmin
import PatchbayCore
import Testing

/// Over a real socket.
@Suite struct AdminServerTests {
    private func withServer(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        let client = AdminClient()
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = AdminServer(
            service: client.service, listen: ListenAddress(host: "127.0.0.1", port: 0),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListening: { port.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            for await port in ports {
                try await body(port)
                break
            }
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }

    /// Sends bytes and returns everything that comes back until the server closes. On a thread of its own: the server
    /// needs those of the pool.
    private static func exchange(_ port: Int, _ request: String) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: exchangeBlocking(port, request)) }
        }
    }

    private static func exchangeBlocking(_ port: Int, _ request: String) -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return "not connected" }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { answer += buffer[..<count] }
        return String(decoding: answer, as: UTF8.self)
    }

    private static func request(
        _ method: String, _ path: String, _ body: String = "", token: String? = AdminClient.token
    ) -> String {
        let authorization = token.map { "authorization: Bearer \($0)\r\n" } ?? ""
        return "\(method) \(path) HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\(authorization)"
            + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func requestsAreAnsweredOverASocket() async throws {
        try await withServer { port in
            let health = await Self.exchange(port, Self.request("GET", "/healthz", token: nil))
            #expect(health.hasPrefix("HTTP/1.1 200 OK\r\n") && health.contains(#"{"status":"ok","reasons":[]}"#))
            #expect(
                health.lowercased().contains("x-request-id: adm-")
                    && health.lowercased().contains("cache-control: no-store"))
            #expect(
                await Self.exchange(port, Self.request("GET", "/api/v1/sites", token: nil)).hasPrefix("HTTP/1.1 401 "))
            let body = #"{"name":"s","platform":"p","base_url":"http://x"}"#
            #expect(await Self.exchange(port, Self.request("POST", "/api/v1/sites", body)).hasPrefix("HTTP/1.1 201 "))
            let read = await Self.exchange(port, Self.request("GET", "/api/v1/accounts/filed%2Fmain?"))
            #expect(read.contains(#""id":"filed/main""#), "\(read)")
            let gone = await Self.exchange(port, Self.request("DELETE", "/api/v1/sites/s"))
            #expect(gone.hasPrefix("HTTP/1.1 204 ") && gone.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func headHasNoBody() async throws {
        try await withServer { port in
            let answer = await Self.exchange(port, Self.request("HEAD", "/readyz", token: nil))
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func longBodyIsRefusedOverASocket() async throws {
        try await withServer { port in
            let body = String(repeating: "x", count: AdminService.longestBody + 1)
            #expect(await Self.exchange(port, Self.request("POST", "/api/v1/sites", body)).hasPrefix("HTTP/1.1 413 "))
        }
    }
}
