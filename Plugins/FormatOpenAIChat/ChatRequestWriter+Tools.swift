import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension ChatRequestWriter {
    /// Names and ids of calls as the upstream gets them; within one format they stay as they are.
    mutating func wireName(_ name: String) -> String {
        isSameFormat ? name : toolNames.rewritten(name)
    }

    mutating func wireID(_ id: String) -> String {
        isSameFormat ? id : toolIDs.rewritten(id)
    }

    mutating func writeTools() {
        var tools: [CanonicalTool] = []
        for tool in request.tools where keeps(tool) { tools.append(tool) }
        guard !tools.isEmpty else { return }
        let legacy = isSameFormat && tools.allSatisfy { $0.native?["$legacy"] != nil }
        writer.key(legacy ? "functions" : "tools" as StaticString)
        writer.beginArray()
        for tool in tools {
            if legacy { writeFunction(tool) } else { writeTool(tool) }
        }
        writer.endArray()
        writeChoice(legacy: legacy)
        if let parallel = request.parallelTools, context.profile.parallelSwitch != false {
            writer.member("parallel_tool_calls", parallel)
        }
    }

    private mutating func keeps(_ tool: CanonicalTool) -> Bool {
        guard tool.kind == .server, !isSameFormat else { return true }
        context.lose(.semantic, "tools.server", at: "/tools/\(tool.name)")
        return false
    }

    private mutating func writeTool(_ tool: CanonicalTool) {
        if tool.kind == .server, let config = tool.config { return writer.value(config) }
        writer.beginObject()
        if isFreeText(tool.kind) {
            writer.member("type", literal: "custom")
            writer.key("custom")
            writer.beginObject()
            writer.member("name", wireName(tool.name))
            writer.member("description", ifPresent: tool.description)
            writer.member("format", ifPresent: tool.grammar)
            writer.endObject()
        } else {
            writer.member("type", literal: "function")
            writer.key("function")
            writeFunction(tool)
        }
        if isSameFormat {
            if let cache = tool.cache { writer.member("cache_control", cache.value) }
            writeExtras(tool.native)
        }
        writer.endObject()
    }

    /// Whether a tool that takes free text can be declared as one. Few servers of the format know such tools; for the
    /// others it becomes a function with one string.
    private func isFreeText(_ kind: CanonicalTool.Kind) -> Bool {
        kind == .custom && (isSameFormat || context.profile.customTools == true)
    }

    /// The same for a call in the history.
    func isFreeText(_ call: CanonicalToolCall) -> Bool {
        isFreeText(call.kind == .custom ? CanonicalTool.Kind.custom : .function)
    }

    private mutating func writeFunction(_ tool: CanonicalTool) {
        writer.beginObject()
        writer.member("name", wireName(tool.name))
        writer.member("description", ifPresent: tool.description)
        if tool.kind == .custom {
            context.lose(.degrade, "tools.custom", at: "/tools/\(tool.name)")
            writer.member("parameters", CustomToolInput.schema)
        } else {
            writer.member("parameters", ifPresent: tool.schema)
        }
        writer.member("strict", ifPresent: tool.strict)
        if isSameFormat, let rest = tool.native?["$function"]?.objectValue { writer.members(rest) }
        writer.endObject()
    }

    mutating func writeExtras(_ native: CanonicalNative?) {
        guard isSameFormat, let native else { return }
        for member in native.members where !member.key.hasPrefix("$") {
            writer.key(member.key)
            writer.value(member.value)
        }
    }

    private mutating func writeChoice(legacy: Bool) {
        guard let choice = request.toolChoice else { return }
        if choice.kind == .server, !isSameFormat {
            // The tool it names was dropped.
            context.lose(.semantic, "tool_choice.server", at: "/tool_choice")
            return writer.member("tool_choice", literal: "auto")
        }
        writer.key(legacy ? "function_call" : "tool_choice" as StaticString)
        switch choice.mode {
        case .auto: writer.string("auto" as StaticString)
        case .none: writer.string("none" as StaticString)
        case .required: writer.string("required" as StaticString)
        case .named:
            if legacy {
                writer.beginObject()
                writer.member("name", choice.names.first ?? "")
                writer.endObject()
            } else {
                writeNamed(choice.names.first ?? "", kind: choice.kind)
            }
        case .allowed:
            writer.beginObject()
            writer.member("type", literal: "allowed_tools")
            writer.key("allowed_tools")
            writer.beginObject()
            writer.member("mode", choice.required ? "required" : "auto")
            writer.key("tools")
            writer.beginArray()
            for name in choice.names { writeNamed(name, kind: kind(of: name)) }
            writer.endArray()
            writer.endObject()
            writer.endObject()
        }
    }

    private func kind(of name: String) -> CanonicalTool.Kind {
        request.tools.first { $0.name == name }?.kind ?? .function
    }

    private mutating func writeNamed(_ name: String, kind: CanonicalTool.Kind) {
        let isCustom = isFreeText(kind)
        writer.beginObject()
        writer.member("type", isCustom ? "custom" : "function")
        writer.key(isCustom ? "custom" : "function" as StaticString)
        writer.beginObject()
        writer.member("name", wireName(name))
        writer.endObject()
        writer.endObject()
    }
}
