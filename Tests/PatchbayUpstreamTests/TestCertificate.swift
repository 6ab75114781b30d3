import Glibc
import NIOSSL

/// A self-signed certificate made with the `openssl` command; nil where that is missing.
struct TestCertificate {
    let certificate: String
    let key: String

    static let localhost = TestCertificate(name: "localhost", alternatives: "DNS:localhost")
    static let address = TestCertificate(name: "upstream", alternatives: "IP:127.0.0.1")
    static let elsewhere = TestCertificate(name: "elsewhere", alternatives: "DNS:elsewhere.example")

    private init?(name: String, alternatives: String) {
        var template = Array("/tmp/patchbay-certificate-XXXXXX".utf8CString)
        guard let directory = mkdtemp(&template) else { return nil }
        let path = String(cString: directory)
        defer { rmdir(path) }
        let command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=\(name) "
            + "-addext subjectAltName=\(alternatives) -keyout \(path)/key -out \(path)/certificate 2>/dev/null"
        guard system(command) == 0, let certificate = Self.take("\(path)/certificate"),
            let key = Self.take("\(path)/key")
        else { return nil }
        self.certificate = certificate
        self.key = key
    }

    private static func take(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer {
            fclose(file)
            unlink(path)
        }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
    }

    func serverContext() throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let privateKey = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(privateKey))
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}
