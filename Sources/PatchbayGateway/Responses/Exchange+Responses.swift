import PatchbayCore
import PatchbayHost
import PatchbayWire

/// What clients of Responses need that others do not.
extension Exchange {
    /// Whether the client takes the frame for the end of a stream that broke.
    func showsError(_ frame: SSEFrame) -> Bool {
        guard endpoint == .responses else { return StreamEdit.isError(frame, dialect: dialect) }
        guard let data = frame.data, let found = try? JSONFieldScanner.scanTopLevel(data, names: ["type"]),
            let type = found[0]?.rawString(in: data)
        else { return false }
        return type.equals("response.failed") || type.equals("error")
    }

    /// What lives with one upstream cannot be said to an upstream of another format.
    func refuseUnportable() throws(GatewayError) {
        guard let turn = responses, attempt.format != .openAIResponses else { return }
        if turn.hasPrompt {
            throw GatewayError(
                .unsupportedConversion, "\"prompt\" cannot be used with this model: it lives with another provider",
                status: 400, parameter: "prompt")
        }
    }

    /// What the reader of the request says cannot be said in any other format.
    func refuseFatalLoss() throws(GatewayError) {
        guard let loss = losses?.losses.first(where: { $0.severity == .fatal && $0.path.hasPrefix("/input/") })
        else { return }
        throw GatewayError(
            .unsupportedConversion,
            "\(loss.code) at \(loss.path) cannot be sent to this model: it lives with another provider", status: 400,
            parameter: String(loss.code.prefix { $0 != "." }))
    }

    /// The frame that ends a stream which has begun, in the form that the client's format has for it.
    func streamFrame(_ error: GatewayError) -> [UInt8] {
        guard endpoint == .responses else { return error.streamFrame(dialect, requestID: requestID) }
        return ResponsesFailure.frame(
            error, id: "resp_" + requestID, created: startedAtUnix / 1000, model: fields.model,
            // No event is shorter than a byte, so that this number is above all that the client has seen.
            sequence: sentToClient)
    }
}

/// A response that the gateway itself declares failed.
enum ResponsesFailure {
    /// Codes that agents know; any other means that the server is at fault (formats.md section 7.3).
    private static func code(_ error: GatewayError) -> String {
        switch error.code {
        case .rateLimited, .quotaExhausted: error.code.rawValue
        case .invalidRequest, .unsupportedConversion: "invalid_prompt"
        default: "server_error"
        }
    }

    /// `response.failed` with every member that clients demand of a response.
    static func frame(_ error: GatewayError, id: String, created: Int64, model: String, sequence: Int) -> [UInt8] {
        var writer = JSONWriter(appendingTo: Array("event: response.failed\ndata: ".utf8))
        writer.beginObject()
        writer.member("type", literal: "response.failed")
        writer.key("response")
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", literal: "response")
        writer.member("created_at", Int(created))
        writer.member("status", literal: "failed")
        writer.key("error")
        writer.beginObject()
        writer.member("code", code(error))
        writer.member("message", error.sentence)
        writer.endObject()
        for name in ["incomplete_details", "instructions", "temperature", "top_p", "usage"] as [StaticString] {
            writer.nullMember(name)
        }
        writer.member("metadata", .emptyObject)
        writer.member("model", model)
        writer.member("output", .emptyArray)
        writer.member("parallel_tool_calls", true)
        writer.member("tool_choice", literal: "auto")
        writer.member("tools", .emptyArray)
        writer.endObject()
        writer.member("sequence_number", sequence)
        writer.endObject()
        writer.bytes.append(contentsOf: "\n\n".utf8)
        return writer.bytes
    }
}
