import CanonicalChat
import PatchbayWire

/// The settings of a request as its response repeats them. Clients demand most of them, so that they are there also
/// where nothing is known of the request.
struct ResponsesEcho {
    /// Members before and after `output`, rendered once because a stream repeats them.
    private var members: [(name: StaticString, value: [UInt8])] = []
    /// Functions that the client declared in groups, under the names that the upstream knows.
    private(set) var grouped: [String: (namespace: String, name: String)] = [:]

    init(_ request: CanonicalRequest?) {
        let request = request ?? CanonicalRequest()
        let native = request.native?.format == ResponsesFormat.id ? request.native?.members : nil
        for tool in request.tools {
            guard let name = tool.native?["$name"]?.stringValue, tool.native?.format == ResponsesFormat.id,
                let namespace = tool.native?["$namespace"]?["name"]?.stringValue
            else { continue }
            grouped[tool.name] = (namespace, name)
        }
        add("background", native?["background"] ?? false)
        add("instructions", Self.instructions(request))
        add("max_output_tokens", request.limits.maxOutput.map(JSONValue.int) ?? .null)
        add("max_tool_calls", native?["max_tool_calls"] ?? .null)
        add("metadata", request.metadata ?? .emptyObject)
        add("parallel_tool_calls", .bool(request.parallelTools ?? true))
        add("previous_response_id", native?["$previous"] ?? .null)
        if let key = native?["prompt_cache_key"] { add("prompt_cache_key", key) }
        let reasoning = native?["$reasoning"]
        add("reasoning", ["effort": reasoning?["effort"] ?? .null, "summary": reasoning?["summary"] ?? .null])
        if let user = native?["safety_identifier"] { add("safety_identifier", user) }
        add("store", native?["store"]?.nonNull ?? true)
        add("temperature", request.sampling["temperature"] ?? 1)
        add("text", native?["$text"]?["format"] == nil ? Self.plainText(native?["$text"]) : native?["$text"] ?? .null)
        add("tool_choice", native?["$tool_choice"] ?? .string(request.toolChoice?.mode.rawValue ?? "auto"))
        var writer = JSONWriter()
        let isOwn = request.origin.format == ResponsesFormat.id
        ResponsesToolWriter.write(request.tools, isOwn: isOwn, into: &writer)
        members.append(("tools", writer.bytes))
        add("top_logprobs", request.sampling["top_logprobs"] ?? 0)
        add("top_p", request.sampling["top_p"] ?? 1)
        add("truncation", native?["truncation"]?.nonNull ?? "disabled")
        add("user", request.endUser.map(JSONValue.string) ?? .null)
    }

    private mutating func add(_ name: StaticString, _ value: JSONValue) {
        members.append((name, value.serialised()))
    }

    private static func instructions(_ request: CanonicalRequest) -> JSONValue {
        guard let turn = request.system.first, turn.native?["$instructions"] != nil else { return .null }
        return .string(turn.parts.first?.anyText ?? "")
    }

    private static func plainText(_ text: JSONValue?) -> JSONValue {
        var members: JSONObject = ["format": ["type": "text"]]
        members.setIfPresent("verbosity", text?["verbosity"])
        return .object(members)
    }

    /// Writes the members into the object that `writer` has open.
    func write(into writer: inout JSONWriter) {
        for member in members {
            writer.key(member.name)
            writer.raw(member.value)
        }
    }
}
