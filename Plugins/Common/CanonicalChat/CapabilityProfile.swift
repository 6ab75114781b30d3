package import PatchbayWire

/// What the upstream model can do, where it matters for encoding a request. Absent members mean unknown.
package struct CapabilityProfile: Sendable, Hashable {
    package enum MidSystem: String, Sendable, Hashable {
        case keep, developer
        case userTag = "user_tag"
    }

    package var maxOutput: Int?
    package var maxKey: String?
    /// off, budget, adaptive, between_tools, effort.
    package var thinkingModes: Set<String>?
    package var thinkingBudgetMax: Int?
    package var efforts: [String]?
    package var forcedToolsWithThinking: Bool?
    package var forcedTools: Bool?
    /// any, default_only or none.
    package var temperature: String?
    package var topK: Bool?
    package var systemRole: String?
    package var midSystem: MidSystem?
    package var mergeRoles: Bool?
    package var stopMaximum: Int?
    /// native, json_mode, prompt or none.
    package var structured: String?
    package var toolNameMaximum: Int?
    package var toolIDMaximum: Int?
    /// Ids of calls have exactly this many letters and digits; Mistral's servers demand nine.
    package var toolIDLength: Int?
    package var prefill: Bool?
    package var streamUsageOption: Bool?
    package var parallelSwitch: Bool?
    package var cacheControl: Bool?
    /// none, reasoning_content_required or signature.
    package var reasoningEcho: String?
    package var contextWindowFinish: Bool?
    /// The answer may begin with `<think>`…`</think>`, which is reasoning.
    package var thinkTags = false
    /// gemini-json or gemini-openapi: the dialect of JSON schemas that a Gemini upstream takes.
    package var schema: String?
    /// A Chat upstream takes tools of free text.
    package var customTools: Bool?

    package init() {}

    /// Reads `profile_json`; anything malformed counts as unknown.
    package init(_ document: JSONValue) {
        maxOutput = document["max_output"]?.intValue
        maxKey = document["max_key"]?.stringValue
        let thinking = document["thinking"]
        thinkingModes = thinking?["modes"]?.arrayValue.map { Set($0.compactMap(\.stringValue)) }
        thinkingBudgetMax = thinking?["budget"]?["max"]?.intValue
        efforts = thinking?["efforts"]?.arrayValue.map { $0.compactMap(\.stringValue) }
        forcedToolsWithThinking = thinking?["forced_tools_ok"]?.boolValue
        forcedTools = document["forced_tools"]?.boolValue
        temperature = document["sampling"]?["temperature"]?.stringValue
        topK = document["sampling"]?["top_k"]?.boolValue
        systemRole = document["system_role"]?.stringValue
        if let word = document["mid_system_chat"]?.stringValue {
            midSystem = MidSystem(rawValue: word)
        } else if document["mid_system"]?.boolValue == true {
            midSystem = .keep
        }
        mergeRoles = document["merge_roles"]?.boolValue
        stopMaximum = document["stop_max"]?.intValue
        structured = document["structured"]?.stringValue
        toolNameMaximum = document["tool_name"]?["max"]?.intValue
        toolIDMaximum = document["tool_id"]?["max"]?.intValue
        toolIDLength = document["tool_id"]?["exact"]?.intValue.flatMap { (9...128).contains($0) ? $0 : nil }
        readSwitches(document)
    }

    private mutating func readSwitches(_ document: JSONValue) {
        prefill = document["prefill"]?.boolValue
        streamUsageOption = document["stream_usage_opt"]?.boolValue
        parallelSwitch = document["parallel_switch"]?.boolValue
        cacheControl = document["cache_control"]?.boolValue
        reasoningEcho = document["reasoning_echo"]?.stringValue
        contextWindowFinish = document["context_window_finish"]?.boolValue
        thinkTags = document["think_tags"]?.boolValue ?? false
        schema = document["schema"]?.stringValue
        customTools = document["custom_tools"]?.boolValue
    }
}
