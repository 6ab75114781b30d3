/// What is known of a model beside its name; what is nil is unknown.
package struct ModelCard: Sendable, Hashable {
    /// Its name for people.
    package var displayName: String?
    /// When it was made, in seconds since 1970.
    package var createdAt: Int?
    package var capabilities = ModelCapabilities()

    package init(displayName: String? = nil, createdAt: Int? = nil, capabilities: ModelCapabilities = .init()) {
        self.displayName = displayName
        self.createdAt = createdAt
        self.capabilities = capabilities
    }

    package var isEmpty: Bool { self == ModelCard() }

    /// This card with what `nearer` knows laid over it.
    package func overlaid(by nearer: ModelCard) -> ModelCard {
        var card = self
        if let name = nearer.displayName { card.displayName = name }
        if let time = nearer.createdAt { card.createdAt = time }
        for member in ModelCapabilities.members {
            if let value = nearer.capabilities[keyPath: member.path] { card.capabilities[keyPath: member.path] = value }
        }
        return card
    }

    /// What holds wherever one of several channels may answer: the name and the time of the first that has them, and of
    /// each capability the least that any of them tells.
    package func common(with other: ModelCard) -> ModelCard {
        var card = self
        card.displayName = displayName ?? other.displayName
        card.createdAt = createdAt ?? other.createdAt
        for member in ModelCapabilities.members {
            guard let value = other.capabilities[keyPath: member.path] else { continue }
            card.capabilities[keyPath: member.path] = min(card.capabilities[keyPath: member.path] ?? value, value)
        }
        return card
    }
}

/// What a model can do. Truth values are 0 and 1.
package struct ModelCapabilities: Sendable, Hashable {
    package var contextWindow: Int?
    package var maxOutputTokens: Int?
    package var tools: Int?
    package var thinking: Int?
    package var imageInput: Int?
    package var audioInput: Int?
    package var videoInput: Int?
    package var pdfInput: Int?

    package init() {}

    package var isEmpty: Bool { self == ModelCapabilities() }
}

extension ModelCapabilities {
    package static let members: [SettingMember<ModelCapabilities>] = [
        .init(
            ["capabilities"], "context_window", .count, 1...1_000_000_000, \.contextWindow,
            "Tokens that a prompt and its answer may have."),
        .init(
            ["capabilities"], "max_output_tokens", .count, 1...1_000_000_000, \.maxOutputTokens,
            "Tokens of the longest answer."),
        .init(["capabilities"], "tools", .truth, 0...1, \.tools, "It calls tools."),
        .init(["capabilities"], "thinking", .truth, 0...1, \.thinking, "It can think before it answers."),
        .init(["capabilities", "input"], "image", .truth, 0...1, \.imageInput, "It reads images."),
        .init(["capabilities", "input"], "audio", .truth, 0...1, \.audioInput, "It hears sound."),
        .init(["capabilities", "input"], "video", .truth, 0...1, \.videoInput, "It sees videos."),
        .init(["capabilities", "input"], "pdf", .truth, 0...1, \.pdfInput, "It reads PDF documents."),
    ]
}
