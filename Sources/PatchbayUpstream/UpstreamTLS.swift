import NIOCore
package import NIOSSL

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
    package let context: NIOSSLContext

    /// - Throws: an error of NIOSSL if the trust roots cannot be read.
    package init(trustRoots: UpstreamTrustRoots = .system) throws {
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
        context = try NIOSSLContext(configuration: configuration)
    }

    /// A handler for one connection. An IP address is not sent as server name; the certificate must then name it.
    func makeHandler(host: String, isAddress: Bool) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
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
