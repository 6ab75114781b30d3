import PatchbayPlugin
import PatchbayWire

/// Puts the events of a streamed answer together again.
package struct AnswerFold: Sendable {
    package private(set) var response = CanonicalResponse()
    package private(set) var error: CanonicalError?
    /// The end event was seen, and it was clean.
    package private(set) var isClean = false
    package private(set) var isEnded = false
    /// Parts that were closed, as choice and ordinal.
    private var closed: Set<[Int]> = []

    package init() {}

    /// True if the part is complete.
    package func isClosed(_ choice: Int, _ part: Int) -> Bool {
        closed.contains([choice, part])
    }

    package mutating func take(_ event: AnswerEvent) {
        switch event.type {
        case .start:
            response.id = event.id
            response.model = event.name
            response.usage.merge(event.usage)
        case .partOpen: open(event)
        case .partDelta: edit(event) { Self.append(event, to: &$0) }
        case .partNote: edit(event) { $0.annotations.append((try? JSONValue(parsing: event.extra)) ?? .null) }
        case .partClose: closed.insert([event.choice, event.part])
        case .finish: response.choices[choice(event.choice)].finish = event.finishValue
        case .usage: response.usage.merge(event.usage)
        case .error: error = event.errorValue
        case .end:
            isEnded = true
            isClean = event.clean
        case .native where event.name == "canon": takeMember(event)
        case .ping, .native, .other: break
        }
    }

    private mutating func takeMember(_ event: AnswerEvent) {
        guard let value = try? JSONValue(parsing: event.extra) else { return }
        switch event.id {
        case "created": response.created = value.intValue
        case "service_tier": response.serviceTier = value.stringValue
        case "native":
            response.native = value.objectValue?.members.first.flatMap { format in
                format.value.objectValue.map { CanonicalNative(format: format.key, members: $0) }
            }
        case "logprobs":
            let position = choice(event.choice)
            var merged = response.choices[position].logprobs?.objectValue ?? JSONObject()
            for member in value.objectValue ?? JSONObject() {
                if let more = member.value.arrayValue, let known = merged[member.key]?.arrayValue {
                    merged[member.key] = .array(known + more)
                } else if merged[member.key] == nil || member.value.nonNull != nil {
                    merged[member.key] = member.value
                }
            }
            response.choices[position].logprobs = .object(merged)
        default: break
        }
    }

    /// The position of a choice, which is made if it is new; choices stay sorted by index.
    private mutating func choice(_ index: Int) -> Int {
        if let position = response.choices.firstIndex(where: { $0.index == index }) { return position }
        let position = response.choices.firstIndex { $0.index > index } ?? response.choices.count
        response.choices.insert(CanonicalChoice(index: index), at: position)
        return position
    }

    private mutating func open(_ event: AnswerEvent) {
        let position = choice(event.choice)
        let extra = try? JSONValue(parsing: event.extra)
        let content: CanonicalPart.Content
        switch event.kind {
        case .text?, nil: content = .text("")
        case .refusal?: content = .refusal("")
        case .reasoning?, .reasoningRedacted?:
            var reasoning = CanonicalReasoning(redacted: event.kind == .reasoningRedacted)
            reasoning.id = event.id.isEmpty ? nil : event.id
            content = .reasoning(reasoning)
        case .toolCall?:
            content = .toolCall(
                CanonicalToolCall(
                    id: event.id, name: event.name, arguments: "",
                    kind: extra?["kind"]?.stringValue == "custom" ? .custom : .function))
        case .image?, .audio?:
            let mime = extra?["mime"]?.stringValue ?? ""
            content = .media(CanonicalMedia(event.kind == .image ? .image : .audio, .base64(mime: mime, data: "")))
        case .other?:
            let part = try? JSONNode.with(Array(event.extra.utf8), malformed: ConversionError.malformed) {
                (part) throws(ConversionError) in try CanonicalPart(canonical: part)
            }
            content = part?.content ?? .other(extra ?? .null)
        }
        response.choices[position].parts.append(CanonicalPart(content))
    }

    private mutating func edit(_ event: AnswerEvent, _ body: (inout CanonicalPart) -> Void) {
        let position = choice(event.choice)
        guard response.choices[position].parts.indices.contains(event.part) else { return }
        body(&response.choices[position].parts[event.part])
    }

    private static func append(_ event: AnswerEvent, to part: inout CanonicalPart) {
        switch part.content {
        case .text(let text): part.content = .text(text + event.text)
        case .refusal(let text): part.content = .refusal(text + event.text)
        case .reasoning(var reasoning):
            if event.field == .opaque { reasoning.opaque = event.opaqueValue } else { reasoning.text += event.text }
            part.content = .reasoning(reasoning)
        case .toolCall(var call):
            call.arguments += event.text
            part.content = .toolCall(call)
        case .media(var media):
            guard event.field == .data, case .base64(let mime, let data) = media.source else { return }
            media.source = .base64(mime: mime, data: data + event.text)
            part.content = .media(media)
        case .toolResult, .other: break
        }
    }
}
