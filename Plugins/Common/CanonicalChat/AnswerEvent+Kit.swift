import PatchbayPlugin

extension AnswerEvent {
    /// Copies an event that crossed the plugin boundary.
    init(_ event: StreamEvent) {
        self.init(event.type)
        choice = event.choice
        part = event.part
        switch event.type {
        case .partOpen: kind = event.kind
        case .partDelta: field = event.field
        case .finish: reason = event.finishReason.rawValue
        case .error: reason = event.category.rawValue
        case .end: clean = event.isClean
        case .start, .usage: usage = TokenCounts(event.usage)
        default: break
        }
        if !event.text.isEmpty { text = event.text.string }
        if !event.id.isEmpty { id = event.id.string }
        if !event.name.isEmpty { name = event.name.string }
        if !event.extraJSON.isEmpty { extra = event.extraJSON.string }
    }

    /// Hands the event to the host.
    func send(to writer: inout EventWriter) {
        switch type {
        case .start: writer.start(id: id, model: name, usage: usage.counters)
        case .partOpen:
            writer.openPart(
                choice: choice, part: part, kind ?? .other, id: id, name: name, extraJSON: extra.isEmpty ? nil : extra)
        case .partDelta:
            guard let field else { return }
            writer.delta(choice: choice, part: part, field, text, name: name.isEmpty ? nil : name)
        case .partNote: writer.note(choice: choice, part: part, json: extra)
        case .partClose: writer.closePart(choice: choice, part: part)
        case .finish:
            writer.finish(
                choice: choice, FinishReason(rawValue: reason) ?? .other, stopSequence: text.isEmpty ? nil : text,
                native: name.isEmpty ? nil : name)
        case .usage: writer.usage(usage.counters)
        case .error:
            writer.error(
                ErrorCategory(rawValue: reason) ?? .server, message: text, code: id.isEmpty ? nil : id,
                type: name.isEmpty ? nil : name)
        case .ping: writer.ping()
        case .end: writer.end(clean: clean)
        case .native: writer.native(format: name, event: id, dataJSON: extra)
        case .other: if let isSettled { writer.settled(isSettled) }
        }
    }
}
