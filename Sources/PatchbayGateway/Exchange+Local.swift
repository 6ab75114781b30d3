import Crypto
import NIOCore
import PatchbayCore
import PatchbayRouting
import PatchbayWire

/// What the gateway answers by itself.
extension Exchange {
    // MARK: - Keys

    /// Finds the key of the request. Both places where clients put it are looked at: official clients of one dialect
    /// use `authorization`, those of others `x-api-key`, and some send both (formats.md section 1.2).
    func authenticate() throws(GatewayError) -> GatewayKey {
        var sawCredential = false
        let found: GatewayKey? = connection.headBytes.withUnsafeReadableBytes { bytes in
            for field in connection.head.fields {
                guard let credential = Exchange.credential(in: field, bytes) else { continue }
                sawCredential = true
                if let knownKey, isKnown(credential) { return knownKey }
                if let key = snapshot.keys[Exchange.digest(credential)] {
                    knownKey = key
                    knownCredential = Array(credential)
                    return key
                }
            }
            return nil
        }
        if let found = found ?? keyOfQuery(&sawCredential) { return found }
        throw GatewayError(
            .invalidKey,
            sawCredential
                ? "the API key is not valid on this gateway"
                : "no API key was sent; use the header \"Authorization: Bearer KEY\" or \"x-api-key: KEY\"",
            status: 401)
    }

    private func isKnown(_ credential: UnsafeRawBufferPointer) -> Bool {
        knownCredential.withUnsafeBytes { credential.equals($0) }
    }

    private static func credential(in field: HTTPField, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
        switch field.known {
        case .xAPIKey, .apiKey, .xGoogAPIKey:
            return value.isEmpty ? nil : value
        case .authorization:
            // The scheme is case-insensitive (RFC 9110 section 11.1).
            guard value.count > 7, value[6] == UInt8(ascii: " ") else { return nil }
            for (index, letter) in "bearer".utf8.enumerated() where value[index] | 0x20 != letter { return nil }
            return UnsafeRawBufferPointer(rebasing: value[7...])
        default: return nil
        }
    }

    static func digest(_ credential: UnsafeRawBufferPointer) -> KeyDigest {
        var hash = SHA256()
        hash.update(bufferPointer: credential)
        return hash.finalize().withUnsafeBytes { KeyDigest(rawBytes: $0) }
    }

    // MARK: - Answers

    /// Ends the request with an error of the gateway's own.
    func answerLocally(_ error: GatewayError, beforeBody: Bool) {
        loop.refused(error)
        revokeAdmission()
        state = .finished
        if beforeBody, !connection.canSkipBody { connection.closeAfterAnswer() }
        connection.writeError(error, dialect: dialect, requestID: requestID, isHead: isHead)
        if beforeBody { connection.refusedBeforeBody() } else { connection.answered() }
    }

    func answer(_ document: [UInt8], type: StaticString = "application/json", warning: String? = nil) {
        var bytes = connection.buffer(capacity: 256 + document.count)
        ResponseHead.writeStatus(200, into: &bytes)
        ResponseHead.writeRequestID(requestID, dialect: dialect, into: &bytes)
        bytes.writeStaticString("content-type: ")
        bytes.writeStaticString(type)
        bytes.writeStaticString("\r\n")
        if let warning { ResponseHead.writeField("x-patchbay-warnings", warning, into: &bytes) }
        connection.finishHead(&bytes, length: document.count)
        if !isHead { bytes.writeBytes(document) }
        connection.write(bytes)
        state = .finished
        connection.answered()
    }

    func answerHealth() {
        let readiness = loop.readiness
        guard endpoint == .health || readiness.isReady else {
            let state = readiness.isDraining ? "is shutting down" : "has no configuration yet"
            return answerLocally(
                GatewayError(.shuttingDown, "the gateway \(state)", status: 503, retryAfter: 1), beforeBody: false)
        }
        let isDegraded = endpoint != .health && readiness.isDegraded
        answer(Array("{\"status\":\"\(isDegraded ? "degraded" : "ok")\"}".utf8))
    }
}
