import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension GeminiRequestWriter {
    /// Names of tools as the upstream gets them; within one format they stay as they are.
    mutating func wireName(_ name: String) -> String {
        isSameFormat ? name : toolNames.rewritten(name)
    }

    mutating func writeTools() {
        if isSameFormat { return writeOwnTools() }
        let functions = request.tools.filter { $0.kind != .server }
        var built = request.tools.filter { $0.kind == .server }.compactMap { builtIn($0) }
        if request.native?["web_search_options"]?.nonNull != nil { built.append("googleSearch") }
        guard !functions.isEmpty || !built.isEmpty else { return }
        writer.key("tools")
        writer.beginArray()
        if !functions.isEmpty {
            writer.beginObject()
            writer.key("functionDeclarations")
            writer.beginArray()
            for tool in functions { writeFunction(tool) }
            writer.endArray()
            writer.endObject()
        }
        var seen: Set<String> = []
        for name in built where seen.insert(name).inserted { writer.value(.object([name: .emptyObject])) }
        writer.endArray()
        if !functions.isEmpty { writeChoice() }
    }

    /// What Google runs in place of a tool that another provider would run; nil if there is nothing like it.
    private mutating func builtIn(_ tool: CanonicalTool) -> String? {
        let type = tool.config?["type"]?.stringValue ?? tool.name
        if type.hasPrefix("web_search") { return "googleSearch" }
        if type.hasPrefix("code_execution") || type.hasPrefix("code_interpreter") { return "codeExecution" }
        if type.hasPrefix("web_fetch") { return "urlContext" }
        context.lose(.semantic, "tools.server", at: "/tools/\(tool.name)")
        return nil
    }

    private mutating func writeOwnTools() {
        guard !request.tools.isEmpty else { return }
        writer.key("tools")
        writer.beginArray()
        var index = 0
        while index < request.tools.count {
            let group = request.tools[index].native?["$group"]
            let end = request.tools[index...].firstIndex { $0.native?["$group"] != group } ?? request.tools.count
            writer.beginObject()
            writeGroup(request.tools[index..<end])
            writer.endObject()
            index = end
        }
        writer.endArray()
    }

    private mutating func writeGroup(_ tools: ArraySlice<CanonicalTool>) {
        var hasFunctions = false
        for tool in tools {
            if tool.kind == .server {
                if let config = tool.config?.objectValue { writer.members(config) }
            } else if !hasFunctions {
                hasFunctions = true
                writer.key("functionDeclarations")
                writer.beginArray()
                for function in tools where function.kind != .server { writeFunction(function) }
                writer.endArray()
            }
        }
    }

    private mutating func writeFunction(_ tool: CanonicalTool) {
        writer.beginObject()
        let name = wireName(tool.name)
        writer.member("name", name)
        writer.member("description", ifPresent: tool.description)
        if isSameFormat {
            let native = tool.native?.members ?? JSONObject()
            if native["parameters"] == nil { writer.member("parametersJsonSchema", ifPresent: tool.schema) }
            for member in native where !member.key.hasPrefix("$") {
                writer.key(member.key)
                writer.value(member.value)
            }
            return writer.endObject()
        }
        let path = "/tools/\(tool.name)"
        if tool.strict == true { context.lose(.info, "tools.strict", at: path) }
        if tool.cache != nil { context.lose(.info, "cache", at: path) }
        let schema = tool.kind == .custom ? CustomToolInput.schema : tool.schema
        if tool.kind == .custom { context.lose(.degrade, "tools.custom", at: path) }
        if let schema, !GeminiSchemaWriter.isEmptyObject(schema) {
            let dialect = schemaDialect
            writer.key(dialect == .json ? "parametersJsonSchema" : "parameters")
            writer.value(GeminiSchemaWriter.written(schema, dialect))
        }
        writer.endObject()
    }

    private mutating func writeChoice() {
        guard let choice = request.toolChoice else { return }
        let mode: String
        var names: [String] = []
        switch choice.mode {
        case .auto: mode = "AUTO"
        case .none: mode = "NONE"
        case .required: mode = "ANY"
        case .named: (mode, names) = ("ANY", choice.names)
        case .allowed: (mode, names) = (choice.required ? "ANY" : "VALIDATED", choice.names)
        }
        let isForced = mode == "ANY" && context.profile.forcedTools == false
        if isForced { context.lose(.semantic, "tool_choice.forced", at: "/tool_choice") }
        writer.key("toolConfig")
        writer.beginObject()
        writer.key("functionCallingConfig")
        writer.beginObject()
        writer.member("mode", isForced ? "AUTO" : mode)
        if !names.isEmpty, !isForced {
            let wire = names.map { JSONValue.string(wireName($0)) }
            writer.member("allowedFunctionNames", .array(wire))
        }
        writer.endObject()
        writer.endObject()
    }
}
