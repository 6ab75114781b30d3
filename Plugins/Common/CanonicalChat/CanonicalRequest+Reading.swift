package import PatchbayWire

extension CanonicalRequest {
    /// Reads a canonical document; members it does not know are skipped.
    package init(canonical document: JSONValue) throws(ConversionError) {
        self.init()
        guard document["canon"]?.intValue == 1 else {
            throw .invalid("canonical request: `canon` must be 1")
        }
        for member in document.objectValue ?? JSONObject() {
            switch member.key {
            case "origin":
                origin.format = member.value["format"]?.stringValue ?? ""
                origin.dialect = member.value["dialect"]?.stringValue
            case "model": model = member.value["requested"]?.stringValue ?? member.value.stringValue ?? ""
            case "stream":
                stream.on = member.value["on"]?.boolValue ?? false
                stream.includeUsage = member.value["include_usage"]?.boolValue
            case "system": system = try CanonicalTurn.list(canonical: member.value, default: .system)
            case "turns": turns = try CanonicalTurn.list(canonical: member.value, default: .user)
            case "tools": tools = (member.value.arrayValue ?? []).map(CanonicalTool.init(canonical:))
            case "tool_choice": toolChoice = CanonicalToolChoice(canonical: member.value)
            default: readRest(member)
            }
        }
    }

    /// Reads everything but the turns, which may be long; nil if the document is malformed.
    init?(withoutTurns canonical: UnsafeRawBufferPointer) {
        var tape = JSONTape()
        guard (try? tape.parse(canonical)) != nil, tape.kind(tape.root) == .object else { return nil }
        var document = JSONObject()
        for member in tape.members(of: tape.root) where !tape.equals(member.key, "turns") {
            document.append(tape.string(member.key) ?? "", JSONValue(tape, member.value))
        }
        guard let request = try? CanonicalRequest(canonical: .object(document)) else { return nil }
        self = request
    }

    private mutating func readRest(_ member: JSONObject.Member) {
        let value = member.value
        switch member.key {
        case "parallel_tools": parallelTools = value.boolValue
        case "limits":
            limits.maxOutput = value["max_output"]?.intValue
            limits.source = value["max_output_source"]?.stringValue
        case "sampling":
            for entry in value.objectValue ?? JSONObject() {
                if entry.key == "stop" {
                    sampling.stop = entry.value.arrayValue?.compactMap(\.stringValue) ?? []
                } else {
                    sampling.values.append(entry.key, entry.value)
                }
            }
        case "output": output = CanonicalOutput(canonical: value)
        case "reasoning":
            reasoning.mode = value["mode"]?.stringValue.flatMap(CanonicalReasoningRequest.Mode.init(rawValue:))
            reasoning.effort = value["effort"]?.stringValue
            reasoning.budget = value["budget"]?.intValue
            reasoning.expose = value["expose"]?.stringValue
        case "end_user": endUser = value.stringValue
        case "metadata": metadata = value
        case "service_tier": serviceTier = value.stringValue
        case "native": native = CanonicalNative(canonical: value)
        default: break
        }
    }
}

extension CanonicalOutput {
    init(canonical value: JSONValue) {
        self.init()
        if let wire = value["format"], let kind = wire["kind"]?.stringValue.flatMap(FormatKind.init(rawValue:)) {
            var format = Format(kind: kind)
            format.name = wire["name"]?.stringValue
            format.description = wire["description"]?.stringValue
            format.schema = wire["schema"]
            format.strict = wire["strict"]?.boolValue
            self.format = format
        }
        verbosity = value["verbosity"]?.stringValue
        modalities = value["modalities"]?.arrayValue?.compactMap(\.stringValue) ?? []
        audio = value["audio"]
    }
}

extension CanonicalTurn {
    static func list(
        canonical value: JSONValue, default role: CanonicalRole
    ) throws(ConversionError) -> [CanonicalTurn] {
        guard let items = value.arrayValue else {
            throw .invalid("canonical request: `system` and `turns` must be arrays")
        }
        var turns: [CanonicalTurn] = []
        turns.reserveCapacity(items.count)
        for item in items {
            var turn = CanonicalTurn(
                role: item["role"]?.stringValue.flatMap(CanonicalRole.init(rawValue:)) ?? role,
                parts: try CanonicalPart.list(canonical: item["parts"]),
                form: item["form"]?.stringValue.flatMap(Form.init(rawValue:)))
            turn.name = item["name"]?.stringValue
            turn.native = CanonicalNative(canonical: item["native"])
            turns.append(turn)
        }
        return turns
    }
}

extension CanonicalTool {
    init(canonical value: JSONValue) {
        let kind = value["kind"]?.stringValue.flatMap(Kind.init(rawValue:))
        self.init(kind ?? .function, name: value["name"]?.stringValue ?? "")
        description = value["description"]?.stringValue
        schema = value["schema"]
        strict = value["strict"]?.boolValue
        grammar = value["grammar"]
        config = value["config"]
        if let cache = value["cache"] {
            self.cache = CanonicalCache(origin: cache["origin"]?.stringValue ?? "", value: cache["value"] ?? .null)
        }
        native = CanonicalNative(canonical: value["native"])
    }
}

extension CanonicalToolChoice {
    init?(canonical value: JSONValue) {
        guard let mode = value["mode"]?.stringValue.flatMap(Mode.init(rawValue:)) else { return nil }
        self.init(
            mode, names: value["names"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            kind: value["kind"]?.stringValue.flatMap(CanonicalTool.Kind.init(rawValue:)) ?? .function,
            required: value["required"]?.boolValue ?? false)
    }
}
