import Glibc

/// One HTTP/1.1 exchange over a blocking socket, for tests that talk to a simulated site.
enum SocketClient {
    struct Answer: Sendable {
        var status = 0
        /// Names in lower case.
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []

        var text: String { String(decoding: body, as: UTF8.self) }
        func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    struct Broken: Error {
        var reason: String
    }

    /// Sends and waits. Call it from a thread that may block.
    static func exchange(
        _ method: String, port: Int, path: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) throws -> Answer {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Broken(reason: "socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Broken(reason: "connect") }
        var head = "\(method) \(path) HTTP/1.1\r\nhost: 127.0.0.1:\(port)\r\nconnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if method != "GET" || !body.isEmpty { head += "content-length: \(body.count)\r\n" }
        try write(Array(head.utf8) + [13, 10] + body, to: descriptor)
        return try parse(readAll(descriptor))
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Broken(reason: "send") }
            rest = rest.dropFirst(count)
        }
    }

    private static func readAll(_ descriptor: Int32) throws -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Broken(reason: "receive") }
            if count == 0 { return result }
            result += buffer[..<count]
        }
    }

    static func parse(_ bytes: [UInt8]) throws -> Answer {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw Broken(reason: "no head") }
        var answer = Answer()
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        answer.status = Int(lines[0].split(separator: " ")[1]) ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            answer.headers.append((parts[0].lowercased(), String(parts[1].drop { $0 == " " })))
        }
        let isChunked = answer.header("transfer-encoding") == "chunked"
        answer.body = isChunked ? try dechunked(bytes[end.upperBound...]) : Array(bytes[end.upperBound...])
        if answer.header("content-encoding") == "gzip" { answer.body = try unzipped(answer.body) }
        return answer
    }

    private static func dechunked(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
        var rest = bytes
        var result: [UInt8] = []
        while let line = rest.firstRange(of: Array("\r\n".utf8)) {
            guard let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16) else { break }
            if size == 0 { return result }
            result += rest[line.upperBound...].prefix(size)
            rest = rest[line.upperBound...].dropFirst(size + 2)
        }
        throw Broken(reason: "chunks")
    }

    /// The simulated site stores without compressing, so no inflater is needed.
    private static func unzipped(_ bytes: [UInt8]) throws -> [UInt8] {
        var rest = bytes.dropFirst(10)
        var result: [UInt8] = []
        while rest.count > 8, let kind = rest.first, kind <= 1 {
            let start = rest.startIndex
            let size = Int(rest[start + 1]) | Int(rest[start + 2]) << 8
            result += rest[(start + 5)...].prefix(size)
            rest = rest.dropFirst(5 + size)
            if kind == 1 { return result }
        }
        throw Broken(reason: "gzip")
    }
}
