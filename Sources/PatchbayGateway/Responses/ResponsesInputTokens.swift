import NIOCore
import PatchbayWire

/// The answer of `POST /v1/responses/input_tokens`.
enum ResponsesInputTokens {
    static func document(for body: ByteBuffer) throws(GatewayError) -> [UInt8] {
        let found = body.withUnsafeReadableBytes { try? JSONFieldScanner.scanTopLevel($0, names: ["input"]) }
        guard found != nil else { throw .invalid("the request body is not a JSON object") }
        let tokens = body.withUnsafeReadableBytes { TokenEstimate.body($0) }
        return Array("{\"object\":\"response.input_tokens\",\"input_tokens\":\(tokens)}".utf8)
    }
}
