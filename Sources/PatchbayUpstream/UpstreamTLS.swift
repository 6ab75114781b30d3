import NIOCore
import NIOSSL
import Synchronization

/// Which authorities may sign an upstream's certificate.
package enum UpstreamTrustRoots: Sendable {
    /// The system's certificate bundle.
    case system
    /// The certificates in a PEM file.
    case file(String)
    /// The certificates in PEM text.
    case pem(String)
}

/// The client side of TLS, one per process: certificates are verified, the host name is sent and checked, `http/1.1` is
/// the only protocol offered, TLS 1.2 the oldest version.
package final class UpstreamTLS: Sendable {
    private let trustRoots: UpstreamTrustRoots
    private let made: Mutex<NIOSSLContext?>

    /// The system's certificates are read when they are needed for the first time, or by ``prepare()``: that takes
    /// longer than everything else at the start, and an installation with local upstreams never needs them.
    ///
    /// - Throws: an error of NIOSSL if trust roots that are given cannot be read.
    package init(trustRoots: UpstreamTrustRoots = .system) throws {
        self.trustRoots = trustRoots
        if case .system = trustRoots {
            made = Mutex(nil)
        } else {
            made = Mutex(try Self.makeContext(trustRoots))
        }
    }

    /// Reads the trust roots now, on a thread that may block for a while.
    package func prepare() {
        // What goes wrong here goes wrong again, with someone to tell, when a connection is made.
        _ = try? context()
    }

    private func context() throws -> NIOSSLContext {
        try made.withLock { made in
            if let made { return made }
            let context = try Self.makeContext(trustRoots)
            made = context
            return context
        }
    }

    private static func makeContext(_ trustRoots: UpstreamTrustRoots) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        configuration.applicationProtocols = ["http/1.1"]
        // An abandoned response is not worth waiting for the upstream to agree that it is over.
        configuration.shutdownTimeout = .milliseconds(200)
        switch trustRoots {
        case .system: configuration.trustRoots = .default
        case .file(let path): configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
        case .pem(let text):
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(text.utf8)))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// A handler for one connection. An IP address is not sent as server name; the certificate must then name it.
    func makeHandler(host: String, isAddress: Bool) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: try context(), serverHostname: isAddress ? nil : host)
    }

    /// What went wrong in a handshake, in words for people.
    static func reason(_ error: any Error) -> String {
        if let extra = error as? NIOSSLExtraError, extra == .failedToValidateHostname {
            return "its certificate is for another name"
        }
        if "\(error)".contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate could not be verified" }
        return "the handshake did not complete"
    }
}
