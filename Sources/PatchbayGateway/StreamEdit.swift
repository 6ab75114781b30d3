import PatchbayHost
import PatchbayWire

/// The few changes made to frames of a stream that is passed on in its own format.
enum StreamEdit {
    /// Whether a Chat Completions chunk carries nothing but the usage: `choices` is empty and `usage` an object.
    static func isUsageOnly(_ data: UnsafeRawBufferPointer) -> Bool {
        guard data.first == UInt8(ascii: "{") else { return false }
        guard let found = try? JSONFieldScanner.scanTopLevel(data, names: ["choices", "usage"]) else { return false }
        guard let choices = found[0], let usage = found[1], choices.kind == .array, usage.kind == .object else {
            return false
        }
        return !choices.span.bytes(in: data).dropFirst().dropLast().contains { $0 > 0x20 }
    }

    /// Whether a client of the dialect takes the frame for an error: OpenAI's go by a member `error`, Anthropic's by
    /// the name of the event.
    static func isError(_ frame: SSEFrame, dialect: Dialect) -> Bool {
        guard let data = frame.data, let found = try? JSONFieldScanner.scanTopLevel(data, names: ["error"]),
            let error = found[0], error.kind == .object
        else { return false }
        return dialect != .anthropic || frame.event?.equals("error") == true
    }

    /// Appends the frame with its model name replaced, at the top level (Chat Completions, Gemini), in `message`
    /// (Messages) or in `response` (Responses). False when the frame names no model, so that it can be passed on as it
    /// is.
    static func appendRenamed(_ frame: SSEFrame, to model: String, into output: inout [UInt8]) -> Bool {
        guard let source = frame.data, let place = modelPlace(source) else { return false }
        var data: [UInt8] = []
        do {
            let plain = JSONPatchOperation.set(place == .version ? "modelVersion" : "model", string: model)
            let operation =
                switch place {
                case .top, .version: plain
                case .message: JSONPatchOperation("message", "model", value: plain.value)
                case .response: JSONPatchOperation("response", "model", value: plain.value)
                }
            try JSONPatch.apply([operation], to: source, into: &data)
        } catch {
            return false
        }
        append(frame, with: data, to: &output)
        return true
    }

    /// Appends the frame with other data, of one line.
    static func append(_ frame: SSEFrame, with data: [UInt8], to output: inout [UInt8]) {
        if let event = frame.event {
            output.append(contentsOf: "event: ".utf8)
            output.append(contentsOf: event)
            output.append(0x0a)
        }
        output.append(contentsOf: "data: ".utf8)
        output.append(contentsOf: data)
        output.append(contentsOf: "\n\n".utf8)
    }

    /// A frame that ``append(_:with:to:)`` has written, cut at the beginning and the end of its data.
    static func parts(of written: ArraySlice<UInt8>, like frame: SSEFrame) -> ChangedFrame {
        let event = frame.event.map { "event: ".utf8.count + $0.count + 1 } ?? 0
        let start = written.startIndex + event + "data: ".utf8.count
        let end = max(start, written.endIndex - 2)
        return ChangedFrame(
            before: Array(written[..<start]), data: Array(written[start..<end]), behind: Array(written[end...]))
    }

    private enum ModelPlace {
        case top, version, message, response
    }

    /// Where the frame names a model; nil = it names none.
    private static func modelPlace(_ data: UnsafeRawBufferPointer) -> ModelPlace? {
        guard data.first == UInt8(ascii: "{"),
            let found = try? JSONFieldScanner.scanTopLevel(
                data, names: ["model", "message", "response", "modelVersion"])
        else { return nil }
        if found[0]?.kind == .string { return .top }
        if found[3]?.kind == .string { return .version }
        if hasModel(found[1], in: data) { return .message }
        return hasModel(found[2], in: data) ? .response : nil
    }

    private static func hasModel(_ field: JSONField?, in data: UnsafeRawBufferPointer) -> Bool {
        guard let field, field.kind == .object else { return false }
        let nested = try? JSONFieldScanner.scanTopLevel(field.span.bytes(in: data), names: ["model"])
        return nested?[0]?.kind == .string
    }
}
