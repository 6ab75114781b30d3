package import PatchbayWire

extension CanonicalRequest {
    /// Writes the canonical document.
    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("canon", 1)
        writer.member("operation", "generate")
        writer.key("origin")
        writer.beginObject()
        writer.member("format", origin.format)
        writer.member("dialect", ifPresent: origin.dialect)
        writer.endObject()
        writer.key("model")
        writer.beginObject()
        writer.member("requested", model)
        writer.endObject()
        writeSwitches(into: &writer)
        writer.key("system")
        CanonicalTurn.write(system, into: &writer)
        writer.key("turns")
        CanonicalTurn.write(turns, into: &writer)
        writeTools(into: &writer)
        writeOutput(into: &writer)
        writer.member("native", ifPresent: native)
        writer.endObject()
    }

    private func writeSwitches(into writer: inout JSONWriter) {
        writer.key("stream")
        writer.beginObject()
        writer.member("on", stream.on)
        writer.member("include_usage", ifPresent: stream.includeUsage)
        writer.endObject()
        if limits.maxOutput != nil {
            writer.key("limits")
            writer.beginObject()
            writer.member("max_output", ifPresent: limits.maxOutput)
            writer.member("max_output_source", ifPresent: limits.source)
            writer.endObject()
        }
        if !sampling.values.isEmpty || !sampling.stop.isEmpty {
            writer.key("sampling")
            writer.beginObject()
            for entry in sampling.values {
                writer.key(entry.key)
                writer.value(entry.value)
            }
            if !sampling.stop.isEmpty { writer.member("stop", .array(sampling.stop.map(JSONValue.string))) }
            writer.endObject()
        }
        writer.member("end_user", ifPresent: endUser)
        writer.member("metadata", ifPresent: metadata)
        writer.member("service_tier", ifPresent: serviceTier)
    }

    private func writeTools(into writer: inout JSONWriter) {
        if !tools.isEmpty {
            writer.key("tools")
            writer.beginArray()
            for tool in tools { tool.write(into: &writer) }
            writer.endArray()
        }
        if let toolChoice {
            writer.key("tool_choice")
            writer.beginObject()
            writer.member("mode", toolChoice.mode.rawValue)
            if !toolChoice.names.isEmpty {
                writer.member("names", .array(toolChoice.names.map(JSONValue.string)))
            }
            if toolChoice.kind != .function { writer.member("kind", toolChoice.kind.rawValue) }
            if toolChoice.required { writer.member("required", true) }
            writer.endObject()
        }
        writer.member("parallel_tools", ifPresent: parallelTools)
    }

    private func writeOutput(into writer: inout JSONWriter) {
        if output != CanonicalOutput() {
            writer.key("output")
            writer.beginObject()
            if let format = output.format {
                writer.key("format")
                writer.beginObject()
                writer.member("kind", format.kind.rawValue)
                writer.member("name", ifPresent: format.name)
                writer.member("description", ifPresent: format.description)
                writer.member("schema", ifPresent: format.schema)
                writer.member("strict", ifPresent: format.strict)
                writer.endObject()
            }
            writer.member("verbosity", ifPresent: output.verbosity)
            if !output.modalities.isEmpty {
                writer.member("modalities", .array(output.modalities.map(JSONValue.string)))
            }
            writer.member("audio", ifPresent: output.audio)
            writer.endObject()
        }
        if !reasoning.isEmpty {
            writer.key("reasoning")
            writer.beginObject()
            writer.member("mode", ifPresent: reasoning.mode?.rawValue)
            writer.member("effort", ifPresent: reasoning.effort)
            writer.member("budget", ifPresent: reasoning.budget)
            writer.member("expose", ifPresent: reasoning.expose)
            writer.endObject()
        }
    }
}

extension CanonicalTurn {
    static func write(_ turns: [CanonicalTurn], into writer: inout JSONWriter) {
        writer.beginArray()
        for turn in turns {
            writer.beginObject()
            writer.member("role", turn.role.rawValue)
            writer.member("name", ifPresent: turn.name)
            writer.member("form", ifPresent: turn.form?.rawValue)
            writer.key("parts")
            CanonicalPart.write(turn.parts, into: &writer)
            writer.member("native", ifPresent: turn.native)
            writer.endObject()
        }
        writer.endArray()
    }
}

extension CanonicalTool {
    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("kind", kind.rawValue)
        writer.member("name", ifPresent: name)
        writer.member("description", ifPresent: description)
        writer.member("schema", ifPresent: schema)
        writer.member("strict", ifPresent: strict)
        writer.member("grammar", ifPresent: grammar)
        writer.member("config", ifPresent: config)
        if let cache {
            writer.key("cache")
            cache.write(into: &writer)
        }
        writer.member("native", ifPresent: native)
        writer.endObject()
    }
}
