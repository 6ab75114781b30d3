import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns a complete response into a canonical response.
enum ResponsesResponseReader {
    /// - Throws: if the document is no response, or one that has failed.
    static func read(_ document: JSONValue, context: ConversionContext) throws(ConversionError) -> CanonicalResponse {
        guard let output = document["output"]?.arrayValue else {
            if document["error"]?.nonNull != nil {
                throw .invalid("the answer is an error: \(ErrorBody(document).message)")
            }
            throw .invalid("`output` must be an array in an answer of openai.responses")
        }
        let status = document["status"]?.stringValue ?? ""
        if status == "failed" { throw .invalid("the answer is an error: \(ErrorBody(document).message)") }
        var response = CanonicalResponse()
        var native = JSONObject()
        for member in document.objectValue ?? JSONObject() {
            switch member.key {
            case "id": response.id = member.value.stringValue ?? ""
            case "model": response.model = member.value.stringValue ?? ""
            case "created_at": response.created = member.value.doubleValue.map { Int($0) }
            case "output": break
            case "usage":
                response.usage = TokenCounts(responses: member.value)
                native.append(member.key, member.value)
            case "service_tier":
                response.serviceTier = member.value.stringValue
                native.append(member.key, member.value)
            default: native.append(member.key, member.value)
            }
        }
        response.choices = [try choice(output, status, document, context)]
        response.native = CanonicalNative(format: ResponsesFormat.id, members: native)
        return response
    }

    private static func choice(
        _ output: [JSONValue], _ status: String, _ document: JSONValue, _ context: ConversionContext
    ) throws(ConversionError) -> CanonicalChoice {
        let names = ResponsesFormat.toolNames(context.profile, context.request.toolNames)
        var choice = CanonicalChoice(index: 0)
        var logprobs: [JSONValue] = []
        var hasRefusal = false
        for (index, item) in output.enumerated() {
            let type = item["type"]?.stringValue ?? "message"
            for var part in try ResponsesItemReader.parts(item, type: type, path: "output[\(index)]") {
                switch part.content {
                case .toolCall(var call):
                    call.name = names.original(call.name)
                    part.content = .toolCall(call)
                case .refusal: hasRefusal = true
                default: break
                }
                logprobs += part.own?["logprobs"]?.arrayValue ?? []
                choice.parts.append(part)
            }
        }
        if !logprobs.isEmpty { choice.logprobs = ["content": .array(logprobs), "refusal": .null] }
        let finish = ResponsesFormat.finish(
            status: status, reason: document["incomplete_details"]?["reason"]?.stringValue)
        choice.finish = ResponsesFormat.corrected(finish, hasToolCall: choice.hasToolCall, hasRefusal: hasRefusal)
        return choice
    }
}
