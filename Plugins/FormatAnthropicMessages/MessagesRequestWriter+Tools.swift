import CanonicalChat
import PatchbayPlugin
import PatchbayWire

extension MessagesRequestWriter {
    /// Names and ids of calls as the upstream gets them; within one format they stay as they are.
    mutating func wireName(_ name: String) -> String {
        isSameFormat ? name : toolNames.rewritten(name)
    }

    mutating func wireID(_ id: String) -> String {
        isSameFormat ? id : toolIDs.rewritten(id)
    }

    mutating func writeTools(_ turns: [CanonicalTurn]) {
        var tools: [CanonicalTool] = []
        for tool in request.tools where keeps(tool) { tools.append(tool) }
        let isSynthetic = tools.isEmpty && !isSameFormat
        if isSynthetic { tools = declarations(in: turns) }
        guard !tools.isEmpty else { return }
        if let choice = request.toolChoice, choice.mode == .allowed {
            context.lose(.degrade, "tool_choice.allowed", at: "/tool_choice")
            let allowed = Set(choice.names)
            tools.removeAll { !allowed.contains($0.name) }
        }
        writer.key("tools")
        writer.beginArray()
        for tool in tools { writeTool(tool) }
        writer.endArray()
        if isSynthetic { writer.member("tool_choice", ["type": "none"]) } else { writeChoice() }
    }

    private mutating func keeps(_ tool: CanonicalTool) -> Bool {
        guard tool.kind == .server, !isSameFormat else { return true }
        context.lose(.semantic, "tools.server", at: "/tools/\(tool.name)")
        return false
    }

    /// Upstreams demand declarations where the history has calls; the names are all that is known of them.
    private func declarations(in turns: [CanonicalTurn]) -> [CanonicalTool] {
        var known: Set<String> = []
        var tools: [CanonicalTool] = []
        for turn in turns {
            for part in turn.parts {
                guard case .toolCall(let call) = part.content, known.insert(call.name).inserted else { continue }
                tools.append(CanonicalTool(.function, name: call.name))
            }
        }
        return tools
    }

    private mutating func writeTool(_ tool: CanonicalTool) {
        if tool.kind == .server, let config = tool.config { return writer.value(config) }
        writer.beginObject()
        writer.member("name", wireName(tool.name))
        writer.member("description", ifPresent: tool.description)
        let strict = isSameFormat || context.profile.structured == "native" ? tool.strict : nil
        if tool.strict == true, strict == nil { context.lose(.info, "tools.strict", at: "/tools/\(tool.name)") }
        writer.key("input_schema")
        if tool.kind == .custom {
            context.lose(.degrade, "tools.custom", at: "/tools/\(tool.name)")
            writer.value(CustomToolInput.schema)
        } else {
            writeSchema(tool.schema, isStrict: !isSameFormat && strict == true)
        }
        writer.member("strict", ifPresent: strict)
        writeCache(tool.cache, "/tools")
        if isSameFormat, let native = tool.native { writer.members(native.members) }
        writer.endObject()
    }

    /// The format demands an object schema, also of tools without arguments.
    private mutating func writeSchema(_ schema: JSONValue?, isStrict: Bool) {
        guard let members = schema?.objectValue else {
            return writer.value(["type": "object", "properties": .emptyObject])
        }
        if isStrict { return writer.value(StrictSchema.transformed(.object(members))) }
        guard members["type"] == nil, !isSameFormat else { return writer.value(.object(members)) }
        writer.beginObject()
        writer.member("type", literal: "object")
        if members["properties"] == nil { writer.member("properties", .emptyObject) }
        writer.members(members)
        writer.endObject()
    }

    private mutating func writeChoice() {
        var choice = request.toolChoice
        if choice?.mode == .allowed { choice = CanonicalToolChoice(choice?.required == true ? .required : .auto) }
        if choice?.kind == .server, !isSameFormat {
            // The tool it names was dropped.
            context.lose(.semantic, "tool_choice.server", at: "/tool_choice")
            choice = CanonicalToolChoice(.auto)
        }
        if let forced = choice, forced.mode == .required || forced.mode == .named, !mayForce {
            context.lose(.semantic, "tool_choice.forced", at: "/tool_choice")
            choice = CanonicalToolChoice(.auto)
        }
        let isSerial = request.parallelTools == false && context.profile.parallelSwitch != false
        // The switch needs an object to stand in.
        guard choice != nil || isSerial || (isSameFormat && request.parallelTools != nil) else { return }
        writer.key("tool_choice")
        writer.beginObject()
        switch choice?.mode {
        case nil, .auto?, .allowed?: writer.member("type", literal: "auto")
        case .none?: writer.member("type", literal: "none")
        case .required?: writer.member("type", literal: "any")
        case .named?:
            writer.member("type", literal: "tool")
            let name = choice?.names.first ?? ""
            writer.member("name", wireName(name))
        }
        if choice?.mode != CanonicalToolChoice.Mode.none {
            if isSerial {
                writer.member("disable_parallel_tool_use", true)
            } else if isSameFormat, request.parallelTools == true {
                writer.member("disable_parallel_tool_use", false)
            }
        }
        writer.endObject()
    }

    /// Models that think, and some newer ones, refuse to be forced to a tool.
    private var mayForce: Bool {
        if isSameFormat { return true }
        if context.profile.forcedTools == false { return false }
        return !plan.isOn || context.profile.forcedToolsWithThinking == true
    }

    /// Writes the mark behind which the prompt may be cached.
    mutating func writeCache(_ cache: CanonicalCache?, _ path: String) {
        guard let cache else { return }
        if cache.origin == "anthropic" { return writer.member("cache_control", cache.value) }
        context.lose(.degrade, "cache.ttl", at: path)
        writer.key("cache_control")
        writer.beginObject()
        writer.member("type", literal: "ephemeral")
        if let ttl = cache.value["ttl"]?.stringValue, ttl != "5m" { writer.member("ttl", literal: "1h") }
        writer.endObject()
    }
}

extension CanonicalRequest {
    /// Whether anything is marked at all; most requests of other formats mark nothing.
    var hasCacheMarks: Bool {
        func isMarked(_ turn: CanonicalTurn) -> Bool { turn.parts.contains { $0.cache != nil } }
        return tools.contains { $0.cache != nil } || system.contains(where: isMarked) || turns.contains(where: isMarked)
    }

    /// The format takes four marks; those at the end of tools and system and in the newest turns are worth most.
    mutating func limitCacheMarks() {
        var room = 4
        func take(_ cache: inout CanonicalCache?) {
            guard cache != nil else { return }
            if room == 0 { cache = nil } else { room -= 1 }
        }
        var sawMark = false
        for index in tools.indices.reversed() where tools[index].cache != nil {
            if sawMark { tools[index].cache = nil } else { take(&tools[index].cache) }
            sawMark = true
        }
        sawMark = false
        for turn in system.indices.reversed() {
            for part in system[turn].parts.indices.reversed() where system[turn].parts[part].cache != nil {
                if sawMark { system[turn].parts[part].cache = nil } else { take(&system[turn].parts[part].cache) }
                sawMark = true
            }
        }
        for turn in turns.indices.reversed() {
            for part in turns[turn].parts.indices.reversed() where turns[turn].parts[part].cache != nil {
                take(&turns[turn].parts[part].cache)
            }
        }
    }

    /// Marks that last an hour must stand before those that last five minutes; a later one lasts as long as those.
    ///
    /// - Returns: whether a mark was changed.
    mutating func orderCacheMarks() -> Bool {
        var sawShort = false
        var isChanged = false
        func visit(_ cache: inout CanonicalCache?) {
            guard let mark = cache else { return }
            if mark.lifetime == nil || mark.lifetime == "5m" {
                sawShort = true
            } else if sawShort {
                cache?.value["ttl"] = nil
                isChanged = true
            }
        }
        for index in tools.indices { visit(&tools[index].cache) }
        for turn in system.indices {
            for part in system[turn].parts.indices { visit(&system[turn].parts[part].cache) }
        }
        for turn in turns.indices {
            for part in turns[turn].parts.indices { visit(&turns[turn].parts[part].cache) }
        }
        return isChanged
    }

    /// The request came in this format.
    var isOfMessages: Bool { origin.format == MessagesFormat.id }
}

extension CanonicalCache {
    fileprivate var lifetime: String? { value["ttl"]?.stringValue }
}
