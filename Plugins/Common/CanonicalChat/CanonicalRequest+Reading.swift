package import PatchbayWire

extension CanonicalRequest {
    /// Reads a canonical document; members it does not know are skipped.
    package init(canonical document: JSONNode) throws(ConversionError) {
        self.init()
        guard document["canon"]?.intValue == 1 else {
            throw .invalid("canonical request: `canon` must be 1")
        }
        for (name, value) in document.members {
            if name.equals("turns") {
                turns = try CanonicalTurn.list(canonical: value, default: .user)
            } else {
                try read(name, value)
            }
        }
    }

    /// Reads everything but the turns, which may be long; nil if the document is malformed.
    init?(withoutTurns canonical: UnsafeRawBufferPointer) {
        let request = try? JSONNode.with(canonical, malformed: ConversionError.malformed) {
            (document) throws(ConversionError) in
            var request = CanonicalRequest()
            for (name, value) in document.members where !name.equals("turns") { try request.read(name, value) }
            return document["canon"]?.intValue == 1 ? request : nil
        }
        guard let request else { return nil }
        self = request
    }

    private mutating func read(_ name: JSONNode.Name, _ value: JSONNode) throws(ConversionError) {
        if name.equals("origin") {
            origin.format = value["format"]?.stringValue ?? ""
            origin.dialect = value["dialect"]?.stringValue
        } else if name.equals("model") {
            model = value["requested"]?.stringValue ?? value.stringValue ?? ""
        } else if name.equals("stream") {
            stream.on = value["on"]?.boolValue ?? false
            stream.includeUsage = value["include_usage"]?.boolValue
        } else if name.equals("system") {
            system = try CanonicalTurn.list(canonical: value, default: .system)
        } else if name.equals("tools") {
            tools = value.elements.map { CanonicalTool(canonical: $0) }
        } else if name.equals("tool_choice") {
            toolChoice = CanonicalToolChoice(canonical: value)
        } else {
            readRest(name, value)
        }
    }

    private mutating func readRest(_ name: JSONNode.Name, _ value: JSONNode) {
        if name.equals("limits") {
            limits.maxOutput = value["max_output"]?.intValue
            limits.source = value["max_output_source"]?.stringValue
        } else if name.equals("sampling") {
            sampling = CanonicalSampling(canonical: value)
        } else if name.equals("reasoning") {
            reasoning = CanonicalReasoningRequest(canonical: value)
        } else if name.equals("output") {
            output = CanonicalOutput(canonical: value)
        } else if name.equals("native") {
            native = CanonicalNative(canonical: value)
        } else if name.equals("parallel_tools") {
            parallelTools = value.boolValue
        } else if name.equals("end_user") {
            endUser = value.stringValue
        } else if name.equals("metadata") {
            metadata = value.tree
        } else if name.equals("service_tier") {
            serviceTier = value.stringValue
        }
    }
}

extension CanonicalSampling {
    init(canonical value: JSONNode) {
        self.init()
        for (name, entry) in value.members {
            if name.equals("stop") {
                stop = entry.elements.compactMap(\.stringValue)
            } else {
                values.append(name.text, entry.tree)
            }
        }
    }
}

extension CanonicalReasoningRequest {
    init(canonical value: JSONNode) {
        self.init()
        mode = value["mode"]?.stringValue.flatMap(Mode.init(rawValue:))
        effort = value["effort"]?.stringValue
        budget = value["budget"]?.intValue
        expose = value["expose"]?.stringValue
    }
}

extension CanonicalOutput {
    init(canonical value: JSONNode) {
        self.init()
        if let wire = value["format"], let kind = wire["kind"]?.stringValue.flatMap(FormatKind.init(rawValue:)) {
            var format = Format(kind: kind)
            format.name = wire["name"]?.stringValue
            format.description = wire["description"]?.stringValue
            format.schema = wire["schema"]?.tree
            format.strict = wire["strict"]?.boolValue
            self.format = format
        }
        verbosity = value["verbosity"]?.stringValue
        modalities = value["modalities"]?.elements.compactMap(\.stringValue) ?? []
        audio = value["audio"]?.tree
    }
}

extension CanonicalTurn {
    static func list(
        canonical value: JSONNode, default role: CanonicalRole
    ) throws(ConversionError) -> [CanonicalTurn] {
        guard value.isArray else {
            throw .invalid("canonical request: `system` and `turns` must be arrays")
        }
        var turns: [CanonicalTurn] = []
        turns.reserveCapacity(value.childCount)
        for item in value.elements {
            var turn = CanonicalTurn(role: role)
            for (name, member) in item.members {
                if name.equals("role") {
                    turn.role = CanonicalRole(canonical: member) ?? role
                } else if name.equals("form") {
                    turn.form = Form(canonical: member)
                } else if name.equals("parts") {
                    turn.parts = try CanonicalPart.list(canonical: member)
                } else if name.equals("name") {
                    turn.name = member.stringValue
                } else if name.equals("native") {
                    turn.native = CanonicalNative(canonical: member)
                }
            }
            turns.append(turn)
        }
        return turns
    }
}

extension CanonicalRole {
    /// The most frequent ones first; a role is read for every turn.
    init?(canonical value: JSONNode) {
        if value.equals("user") {
            self = .user
        } else if value.equals("assistant") {
            self = .assistant
        } else {
            guard let role = value.stringValue.flatMap(CanonicalRole.init(rawValue:)) else { return nil }
            self = role
        }
    }
}

extension CanonicalTurn.Form {
    init?(canonical value: JSONNode) {
        if value.equals("string") {
            self = .string
        } else {
            guard let form = value.stringValue.flatMap(CanonicalTurn.Form.init(rawValue:)) else { return nil }
            self = form
        }
    }
}

extension CanonicalTool {
    init(canonical value: JSONNode) {
        let kind = value["kind"]?.stringValue.flatMap(Kind.init(rawValue:))
        self.init(kind ?? .function, name: value["name"]?.stringValue ?? "")
        description = value["description"]?.stringValue
        schema = value["schema"]?.tree
        strict = value["strict"]?.boolValue
        grammar = value["grammar"]?.tree
        config = value["config"]?.tree
        cache = value["cache"].map { CanonicalCache(canonical: $0) }
        native = CanonicalNative(canonical: value["native"])
    }
}

extension CanonicalToolChoice {
    init?(canonical value: JSONNode) {
        guard let mode = value["mode"]?.stringValue.flatMap(Mode.init(rawValue:)) else { return nil }
        self.init(
            mode, names: value["names"]?.elements.compactMap(\.stringValue) ?? [],
            kind: value["kind"]?.stringValue.flatMap(CanonicalTool.Kind.init(rawValue:)) ?? .function,
            required: value["required"]?.boolValue ?? false)
    }
}
