import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension ResponsesRequestWriter {
    /// Names and ids of calls as the upstream gets them; within one format they stay as they are.
    mutating func wireName(_ name: String) -> String {
        isSameFormat ? name : toolNames.rewritten(name)
    }

    mutating func wireID(_ id: String) -> String {
        isSameFormat ? id : toolIDs.rewritten(id)
    }

    mutating func writeTools() {
        if isSameFormat {
            if request.tools.isEmpty { writer.member("tools", ifPresent: request.native?["$tools"]) }
            if !request.tools.isEmpty {
                writer.key("tools")
                ResponsesToolWriter.write(request.tools, isOwn: true, into: &writer)
            }
            writeOwnChoice()
            return writer.member("parallel_tool_calls", ifPresent: request.parallelTools)
        }
        var tools: [CanonicalTool] = []
        for tool in request.tools { if let kept = foreign(tool) { tools.append(kept) } }
        if request.native?["web_search_options"]?.nonNull != nil { tools.append(Self.webSearch) }
        guard !tools.isEmpty else { return }
        writer.key("tools")
        ResponsesToolWriter.write(tools, isOwn: false, into: &writer)
        writeChoice(among: tools)
        if let parallel = request.parallelTools, context.profile.parallelSwitch != false {
            writer.member("parallel_tool_calls", parallel)
        }
    }

    private static let webSearch: CanonicalTool = {
        var tool = CanonicalTool(.server, name: "web_search")
        tool.config = ["type": "web_search"]
        return tool
    }()

    /// A tool of another format as this one has it; nil for what only its own provider can run.
    private mutating func foreign(_ tool: CanonicalTool) -> CanonicalTool? {
        var tool = tool
        if tool.cache != nil { context.lose(.info, "cache", at: "/tools/\(tool.name)") }
        guard tool.kind == .server else {
            tool.name = wireName(tool.name)
            tool.native = nil
            return tool
        }
        let type = tool.config?["type"]?.stringValue ?? tool.name
        if type.hasPrefix("web_search") { return Self.webSearch }
        context.lose(.semantic, "tools.server", at: "/tools/\(tool.name)")
        return nil
    }

    private mutating func writeOwnChoice() {
        if let wire = request.native?["$tool_choice"] { return writer.member("tool_choice", wire) }
        guard let choice = request.toolChoice else { return }
        writer.member("tool_choice", choice.mode.rawValue)
    }

    private mutating func writeChoice(among tools: [CanonicalTool]) {
        guard let choice = request.toolChoice else { return }
        let known = choice.names.map { wireName($0) }.filter { name in tools.contains { $0.name == name } }
        switch choice.mode {
        case .auto, .none, .required: writer.member("tool_choice", choice.mode.rawValue)
        case .named:
            guard let name = known.first, let tool = tools.first(where: { $0.name == name }) else {
                context.lose(.semantic, "tool_choice.named", at: "/tool_choice")
                return writer.member("tool_choice", literal: "auto")
            }
            writer.member("tool_choice", Self.reference(tool))
        case .allowed:
            let references = tools.filter { known.contains($0.name) }.map(Self.reference)
            writer.member(
                "tool_choice",
                [
                    "type": "allowed_tools", "mode": choice.required ? "required" : "auto",
                    "tools": .array(references),
                ])
        }
    }

    private static func reference(_ tool: CanonicalTool) -> JSONValue {
        switch tool.kind {
        case .function: ["type": "function", "name": .string(tool.name)]
        case .custom: ["type": "custom", "name": .string(tool.name)]
        case .server: ["type": .string(tool.name)]
        }
    }
}

/// Writes declarations of tools, for requests and for answers that repeat them.
enum ResponsesToolWriter {
    /// - Parameter isOwn: The tools were declared in this format and are said again as they were.
    static func write(_ tools: [CanonicalTool], isOwn: Bool, into writer: inout JSONWriter) {
        writer.beginArray()
        var index = 0
        while index < tools.count {
            if let head = namespace(tools[index]) {
                writer.beginObject()
                writer.members(head)
                writer.key("tools")
                writer.beginArray()
                while index < tools.count, namespace(tools[index]) == head {
                    writeFunction(tools[index], isOwn: isOwn, into: &writer)
                    index += 1
                }
                writer.endArray()
                writer.endObject()
            } else {
                write(tools[index], isOwn: isOwn, into: &writer)
                index += 1
            }
        }
        writer.endArray()
    }

    private static func namespace(_ tool: CanonicalTool) -> JSONObject? {
        guard tool.native?.format == ResponsesFormat.id else { return nil }
        return tool.native?["$namespace"]?.objectValue
    }

    private static func write(_ tool: CanonicalTool, isOwn: Bool, into writer: inout JSONWriter) {
        switch tool.kind {
        case .function: writeFunction(tool, isOwn: isOwn, into: &writer)
        case .custom:
            writer.beginObject()
            writer.member("type", literal: "custom")
            writer.member("name", tool.name)
            writer.member("description", ifPresent: tool.description)
            writer.member("format", ifPresent: flat(tool.grammar))
            writeExtras(tool.native, into: &writer)
            writer.endObject()
        case .server: writer.value(tool.config ?? ["type": .string(tool.name)])
        }
    }

    /// A grammar stands beside its type here, not in an object of its own.
    private static func flat(_ grammar: JSONValue?) -> JSONValue? {
        guard grammar?["type"]?.stringValue == "grammar", let inner = grammar?["grammar"]?.objectValue else {
            return grammar
        }
        var members: JSONObject = ["type": "grammar"]
        for member in inner { members.append(member.key, member.value) }
        return .object(members)
    }

    /// Servers take a missing `strict` for true and rewrite the schema, so that it is always said.
    private static func writeFunction(_ tool: CanonicalTool, isOwn: Bool, into writer: inout JSONWriter) {
        let own = tool.native?.format == ResponsesFormat.id ? tool.native : nil
        writer.beginObject()
        writer.member("type", literal: "function")
        writer.member("name", own?["$name"]?.stringValue ?? tool.name)
        writer.member("description", ifPresent: tool.description)
        if let schema = tool.schema {
            writer.member("parameters", schema)
        } else if !isOwn {
            writer.nullMember("parameters")
        }
        if let strict = tool.strict ?? (isOwn ? nil : false) { writer.member("strict", strict) }
        writeExtras(own, into: &writer)
        writer.endObject()
    }

    private static func writeExtras(_ native: CanonicalNative?, into writer: inout JSONWriter) {
        guard let native, native.format == ResponsesFormat.id else { return }
        for member in native.members where !member.key.hasPrefix("$") {
            writer.key(member.key)
            writer.value(member.value)
        }
    }
}
