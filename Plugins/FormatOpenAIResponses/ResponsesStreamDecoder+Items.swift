import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Items of a stream and what arrives for them.
extension ResponsesStreamDecoder {
    /// More items than any answer has mean that the upstream is out of its mind.
    private static let maximumItems = 4096

    private func int(_ root: JSONIndex, _ name: StaticString) -> Int? {
        tape.member(root, named: name).flatMap { tape.int($0) }
    }

    private func string(_ root: JSONIndex, _ name: StaticString) -> String {
        tape.member(root, named: name).flatMap { tape.string($0) } ?? ""
    }

    /// The item that an event is about; one that nobody announced is made. Nil if there are too many.
    private mutating func slot(_ root: JSONIndex, _ kind: ResponsesStreamItem.Kind) -> Int? {
        let index = int(root, "output_index")
        if let index, let last = items.indices.last, items[last].index == index { return last }
        let id = index == nil ? string(root, "item_id") : ""
        if let known = items.lastIndex(where: { index == nil ? $0.id == id : $0.index == index }) { return known }
        guard items.count < Self.maximumItems else { return nil }
        items.append(ResponsesStreamItem(index: index ?? items.count, id: string(root, "item_id"), kind: kind))
        return items.count - 1
    }

    mutating func addItem(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        begin(&events)
        guard let item = tape.present(root, named: "item") else { return }
        let kind = ResponsesStreamItem.Kind(string(item, "type"))
        if context.tap {
            if kind.isCall { _ = takesContent(.toolCall, &events) }
            return
        }
        let index = int(root, "output_index") ?? items.count
        guard !items.contains(where: { $0.index == index }), items.count < Self.maximumItems else { return }
        items.append(ResponsesStreamItem(index: index, id: string(item, "id"), kind: kind))
        let slot = items.count - 1
        switch kind {
        case .reasoning: openReasoning(slot, &events)
        case .function, .custom: openCall(slot, callID: string(item, "call_id"), name: name(item), &events)
        case .message, .other: break
        }
    }

    private func name(_ item: JSONIndex) -> String {
        let name = string(item, "name")
        let namespace = string(item, "namespace")
        return namespace.isEmpty ? name : ResponsesNamespace.joined(namespace, name)
    }

    private mutating func openReasoning(_ slot: Int, _ events: inout [AnswerEvent]) {
        guard items[slot].part == nil else { return }
        items[slot].part = partCount
        events.append(.open(0, partCount, .reasoning, id: items[slot].id))
        partCount += 1
    }

    private mutating func openCall(_ slot: Int, callID: String, name: String, _ events: inout [AnswerEvent]) {
        guard items[slot].part == nil, !callID.isEmpty, !name.isEmpty else { return }
        hasToolCall = true
        items[slot].part = partCount
        let isCustom = items[slot].kind == .custom
        events.append(
            .open(
                0, partCount, .toolCall, id: callID, name: names.original(name),
                extra: isCustom ? #"{"kind":"custom"}"# : ""))
        partCount += 1
    }

    // MARK: - Messages

    private mutating func content(_ slot: Int, _ index: Int, _ kind: PartKind, _ events: inout [AnswerEvent]) -> Int {
        if let known = items[slot].contents.lastIndex(where: { $0.index == index }) { return known }
        if kind == .refusal { hasRefusal = true }
        items[slot].contents.append(ResponsesStreamItem.Content(index: index, kind: kind, part: partCount))
        events.append(.open(0, partCount, kind))
        partCount += 1
        return items[slot].contents.count - 1
    }

    mutating func addContent(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        guard !context.tap, let part = tape.present(root, named: "part") else { return begin(&events) }
        let type = string(part, "type")
        guard type == "output_text" || type == "refusal", let slot = slot(root, .message) else { return }
        begin(&events)
        _ = content(slot, int(root, "content_index") ?? 0, type == "refusal" ? .refusal : .text, &events)
    }

    mutating func text(_ root: JSONIndex, _ kind: PartKind, _ events: inout [AnswerEvent]) {
        guard takesContent(kind, &events), let delta = tape.member(root, named: "delta"),
            tape.kind(delta) == .string, let slot = slot(root, .message)
        else { return }
        let position = content(slot, int(root, "content_index") ?? 0, kind, &events)
        guard !items[slot].contents[position].isClosed else { return }
        let text = items[slot].contents[position].delivered.text(tape, delta)
        if !text.isEmpty { events.append(.delta(0, items[slot].contents[position].part, .text, text)) }
    }

    mutating func finishText(
        _ root: JSONIndex, _ name: StaticString, _ kind: PartKind, _ events: inout [AnswerEvent]
    ) {
        guard takesContent(kind, &events), let slot = slot(root, .message) else { return }
        let position = content(slot, int(root, "content_index") ?? 0, kind, &events)
        deliver(string(root, name), slot, position, &events)
    }

    /// Delivers what the deltas left out.
    private mutating func deliver(_ whole: String, _ slot: Int, _ position: Int, _ events: inout [AnswerEvent]) {
        guard !items[slot].contents[position].isClosed else { return }
        let part = items[slot].contents[position].part
        let half = items[slot].contents[position].delivered.flush()
        if !half.isEmpty { events.append(.delta(0, part, .text, half)) }
        let rest = half.isEmpty ? items[slot].contents[position].delivered.rest(of: whole) : ""
        if !rest.isEmpty { events.append(.delta(0, part, .text, rest)) }
    }

    mutating func annotate(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        guard !context.tap, let annotation = tape.present(root, named: "annotation"),
            let slot = slot(root, .message)
        else { return }
        let position = content(slot, int(root, "content_index") ?? 0, .text, &events)
        items[slot].contents[position].notes += 1
        let value = ResponsesAnnotation.read(JSONValue(tape, annotation))
        events.append(.note(0, items[slot].contents[position].part, value.description))
    }

    mutating func finishContent(_ root: JSONIndex, _ name: StaticString, _ events: inout [AnswerEvent]) {
        guard !context.tap, let part = tape.present(root, named: name), let slot = slot(root, .message),
            items[slot].kind == .message
        else { return }
        finish(JSONValue(tape, part), int(root, "content_index") ?? 0, slot, &events)
    }

    /// Completes one content part by what the server says it is as a whole.
    private mutating func finish(
        _ value: JSONValue, _ index: Int, _ slot: Int, _ events: inout [AnswerEvent]
    ) {
        let kind: PartKind
        let text: String
        switch value["type"]?.stringValue {
        case "output_text"?: (kind, text) = (.text, value["text"]?.stringValue ?? "")
        case "refusal"?: (kind, text) = (.refusal, value["refusal"]?.stringValue ?? "")
        default: return
        }
        let position = content(slot, index, kind, &events)
        guard !items[slot].contents[position].isClosed else { return }
        deliver(text, slot, position, &events)
        let part = items[slot].contents[position].part
        for annotation in (value["annotations"]?.arrayValue ?? []).dropFirst(items[slot].contents[position].notes) {
            events.append(.note(0, part, ResponsesAnnotation.read(annotation).description))
        }
        items[slot].contents[position].isClosed = true
        events.append(.close(0, part))
    }

    // MARK: - Reasoning

    mutating func reasoning(_ root: JSONIndex, inContent: Bool, _ events: inout [AnswerEvent]) {
        guard takesContent(.reasoning, &events), let delta = tape.member(root, named: "delta"),
            tape.kind(delta) == .string, let slot = slot(root, .reasoning)
        else { return }
        openReasoning(slot, &events)
        if items[slot].reasonsInContent == nil { items[slot].reasonsInContent = inContent }
        guard items[slot].reasonsInContent == inContent, !items[slot].isDone, let part = items[slot].part else { return }
        let segment = int(root, inContent ? "content_index" : "summary_index") ?? 0
        // Segments are paragraphs of one text.
        if let last = items[slot].segment, last != segment { breakSegment(slot, part, &events) }
        items[slot].segment = segment
        let text = items[slot].delivered.text(tape, delta)
        if !text.isEmpty { events.append(.delta(0, part, .text, text)) }
    }

    private mutating func breakSegment(_ slot: Int, _ part: Int, _ events: inout [AnswerEvent]) {
        guard items[slot].delivered.count > 0 else { return }
        items[slot].delivered.add("\n\n")
        events.append(.delta(0, part, .text, "\n\n"))
    }

    // MARK: - Calls

    mutating func arguments(
        _ root: JSONIndex, _ kind: ResponsesStreamItem.Kind, _ events: inout [AnswerEvent]
    ) {
        guard takesContent(.toolCall, &events), let delta = tape.member(root, named: "delta"),
            tape.kind(delta) == .string, let slot = slot(root, kind), !items[slot].isDone, let part = items[slot].part
        else { return }
        let text = items[slot].delivered.text(tape, delta)
        if !text.isEmpty { events.append(.delta(0, part, .arguments, text)) }
    }

    mutating func finishArguments(_ root: JSONIndex, _ name: StaticString, _ events: inout [AnswerEvent]) {
        guard takesContent(.toolCall, &events), let slot = slot(root, .function), !items[slot].isDone,
            let part = items[slot].part
        else { return }
        let half = items[slot].delivered.flush()
        let rest = half.isEmpty ? items[slot].delivered.rest(of: string(root, name)) : half
        if !rest.isEmpty { events.append(.delta(0, part, .arguments, rest)) }
    }

    // MARK: - Completing

    mutating func finishItem(_ root: JSONIndex, _ events: inout [AnswerEvent]) {
        guard let item = tape.present(root, named: "item") else { return begin(&events) }
        let value = JSONValue(tape, item)
        let kind = ResponsesStreamItem.Kind(value["type"]?.stringValue ?? "")
        guard takesContent(kind.isCall ? .toolCall : .text, &events) else { return }
        guard let slot = slot(root, kind) else { return }
        finish(value, slot, &events)
    }

    /// Completes an item by what the server says it is as a whole. A call that was cut stays open.
    private mutating func finish(_ value: JSONValue, _ slot: Int, _ events: inout [AnswerEvent]) {
        guard !items[slot].isDone else { return }
        let kind = ResponsesStreamItem.Kind(value["type"]?.stringValue ?? "")
        items[slot].kind = kind
        if items[slot].id.isEmpty { items[slot].id = value["id"]?.stringValue ?? "" }
        switch kind {
        case .message:
            for (index, content) in (value["content"]?.arrayValue ?? []).enumerated() {
                finish(content, index, slot, &events)
            }
            closeContents(slot, &events)
        case .reasoning: finishReasoning(value, slot, &events)
        case .function, .custom:
            if value["status"]?.stringValue == "incomplete" { return }
            finishCall(value, slot, &events)
        case .other: deliverWhole(value, &events)
        }
        items[slot].isDone = true
    }

    private mutating func finishReasoning(_ value: JSONValue, _ slot: Int, _ events: inout [AnswerEvent]) {
        openReasoning(slot, &events)
        guard let part = items[slot].part else { return }
        let half = items[slot].delivered.flush()
        let text = ResponsesItemReader.text(ofReasoning: value)
        let rest = half.isEmpty ? items[slot].delivered.rest(of: text) : half
        if !rest.isEmpty { events.append(.delta(0, part, .text, rest)) }
        if let sealed = value["encrypted_content"]?.stringValue {
            let opaque =
                OpaqueCarrier.unwrapped(sealed)?.opaque
                ?? CanonicalOpaque(kind: "encrypted_content", provider: ResponsesFormat.provider, data: sealed)
            events.append(.opaque(0, part, opaque))
        }
        events.append(.close(0, part))
    }

    private mutating func finishCall(_ value: JSONValue, _ slot: Int, _ events: inout [AnswerEvent]) {
        let tool = value["name"]?.stringValue ?? ""
        let name = value["namespace"]?.stringValue.map { ResponsesNamespace.joined($0, tool) } ?? tool
        // A server that gives a call no id gets one that is the same each time.
        let callID = value["call_id"]?.stringValue ?? "call_" + StableHash.digits(context.requestID) + "_\(slot)"
        openCall(slot, callID: callID, name: name, &events)
        guard let part = items[slot].part else { return }
        let whole = ResponsesItemReader.arguments(value[items[slot].kind == .custom ? "input" : "arguments"])
        let half = items[slot].delivered.flush()
        let rest = half.isEmpty ? items[slot].delivered.rest(of: whole) : half
        if !rest.isEmpty { events.append(.delta(0, part, .arguments, rest)) }
        events.append(.close(0, part))
    }

    private mutating func deliverWhole(_ value: JSONValue, _ events: inout [AnswerEvent]) {
        let type = value["type"]?.stringValue ?? ""
        guard let parts = try? ResponsesItemReader.parts(value, type: type, path: "output") else { return }
        for part in parts {
            part.append(to: &events, 0, partCount)
            partCount += 1
        }
    }

    private mutating func closeContents(_ slot: Int, _ events: inout [AnswerEvent]) {
        for position in items[slot].contents.indices where !items[slot].contents[position].isClosed {
            let half = items[slot].contents[position].delivered.flush()
            let part = items[slot].contents[position].part
            if !half.isEmpty { events.append(.delta(0, part, .text, half)) }
            items[slot].contents[position].isClosed = true
            events.append(.close(0, part))
        }
    }

    /// The response as a whole tells of items that had no events of their own, and completes those that had no end.
    mutating func reconcile(_ output: [JSONValue], isWhole: Bool, _ events: inout [AnswerEvent]) {
        for (index, value) in output.enumerated() {
            let id = value["id"]?.stringValue ?? ""
            let known = items.firstIndex { $0.index == index || !id.isEmpty && $0.id == id }
            if known == nil {
                let kind = ResponsesStreamItem.Kind(value["type"]?.stringValue ?? "")
                items.append(ResponsesStreamItem(index: index, id: id, kind: kind))
            }
            finish(value, known ?? items.count - 1, &events)
        }
        for slot in items.indices where !items[slot].isDone {
            closeContents(slot, &events)
            // Half a call must not look like a whole one.
            guard let part = items[slot].part, isWhole || !items[slot].kind.isCall else { continue }
            let half = items[slot].delivered.flush()
            if !half.isEmpty { events.append(.delta(0, part, items[slot].kind.isCall ? .arguments : .text, half)) }
            items[slot].isDone = true
            events.append(.close(0, part))
        }
    }
}
