import CanonicalChat
import PatchbayPlugin
import PatchbayWire

/// Turns events into the bytes of a Responses stream.
///
/// Items may be open side by side, so that nothing has to wait. Only the end of a call does: whether a length limit cut
/// it is known with the finish, and agents execute a call that is done.
struct ResponsesStreamEncoder {
    let context: ConversionContext
    let echo: ResponsesEcho
    var items: [ResponsesEncoderItem] = []
    private var parts: [ResponsesEncoderPart?] = []
    /// The choice that is shown; the format has room for one.
    private var choice: Int?
    private var id = ""
    private var model = ""
    private var usage = TokenCounts()
    private var finish: CanonicalFinish?
    private var failure: CanonicalError?
    private var sequence = 0
    private var hasStarted = false
    private var hasEnded = false
    /// Nothing is written; the answer is wanted as a document.
    private let isSilent: Bool

    init(_ context: ConversionContext, isSilent: Bool = false) {
        self.context = context
        self.isSilent = isSilent
        echo = ResponsesEcho(context.echo)
    }

    /// Appends the bytes for one event.
    mutating func encode(_ event: AnswerEvent, into output: inout [UInt8]) {
        guard !hasEnded else { return }
        switch event.type {
        case .start:
            id = ResponsesFormat.answerID(event.id, requestID: context.requestID)
            model = context.answerModel(event.name)
            usage.merge(event.usage)
        case .partOpen, .partDelta, .partNote, .partClose, .finish:
            if choice == nil { choice = event.choice }
            guard event.choice == choice else { return }
            take(event, &output)
        case .usage: usage.merge(event.usage)
        case .ping: if hasStarted { output.append(contentsOf: ": ka\n\n".utf8) }
        case .error: fail(event.errorValue, &output)
        case .end: if event.clean { end(&output) } else { fail(StreamFault.error(.cut), &output) }
        case .native, .other: break
        }
    }

    private mutating func take(_ event: AnswerEvent, _ output: inout [UInt8]) {
        begin(&output)
        switch event.type {
        case .partOpen: open(event, &output)
        case .partDelta: delta(event, &output)
        case .partNote: note(event, &output)
        case .partClose: close(event.part, &output)
        case .finish: finish = event.finishValue
        default: break
        }
    }

    // MARK: - Frames

    /// Writes one frame whose members `body` adds.
    mutating func frame(_ type: StaticString, _ output: inout [UInt8], _ body: (inout JSONWriter) -> Void) {
        guard !isSilent else { return }
        output.append(contentsOf: "event: ".utf8)
        output.append(contentsOf: UnsafeBufferPointer(start: type.utf8Start, count: type.utf8CodeUnitCount))
        output.append(contentsOf: "\ndata: ".utf8)
        var writer = JSONWriter(appendingTo: output)
        output = []
        writer.beginObject()
        writer.member("type", literal: type)
        body(&writer)
        writer.member("sequence_number", sequence)
        writer.endObject()
        writer.bytes.append(contentsOf: "\n\n".utf8)
        output = writer.bytes
        sequence += 1
    }

    private mutating func begin(_ output: inout [UInt8]) {
        guard !hasStarted else { return }
        hasStarted = true
        if id.isEmpty { id = ResponsesFormat.answerID("", requestID: context.requestID) }
        guard !isSilent else { return }
        var response = JSONWriter()
        writeResponse(status: "in_progress", isOver: false, into: &response)
        for type in ["response.created", "response.in_progress"] as [StaticString] {
            frame(type, &output) { writer in
                writer.key("response")
                writer.raw(response.bytes)
            }
        }
    }

    /// The response as far as it has come.
    private func writeResponse(
        status: StaticString, isOver: Bool = true, incomplete: StaticString? = nil, error: CanonicalError? = nil,
        logprobs: JSONValue? = nil, serviceTier: String? = nil, into writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", literal: "response")
        writer.member("created_at", context.created)
        writer.member("status", literal: status)
        writer.key("error")
        if let error {
            writer.beginObject()
            writer.member("code", ResponsesErrors.streamCode(error))
            writer.member("message", OpenAIErrorObject.message(error))
            writer.endObject()
        } else {
            writer.null()
        }
        writer.key("incomplete_details")
        if let incomplete {
            writer.beginObject()
            writer.member("reason", literal: incomplete)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.member("model", model)
        writer.key("output")
        writer.beginArray()
        if isOver {
            for item in items where item.isDone || error == nil && !item.isCustom {
                item.write(status: item.isDone ? .completed : .incomplete, logprobs: logprobs, into: &writer)
            }
        }
        writer.endArray()
        echo.write(into: &writer)
        writer.member("service_tier", serviceTier ?? "default")
        writer.key("usage")
        if isOver, error == nil || !usage.isEmpty { usage.writeResponses(into: &writer) } else { writer.null() }
        writer.endObject()
    }

    // MARK: - Parts

    private mutating func open(_ event: AnswerEvent, _ output: inout [UInt8]) {
        guard event.part >= 0, event.part < 1 << 16 else { return }
        while parts.count <= event.part { parts.append(nil) }
        var part = ResponsesEncoderPart(event)
        switch part.kind {
        case .toolCall: part.item = addCall(part, &output)
        case .image: part.item = addItem(.image, "ig", &output)
        case .other:
            if let wire = Self.ownItem(part.extra) {
                var item = ResponsesEncoderItem(.native, id: wire["id"]?.stringValue ?? "")
                item.text = wire.description
                part.item = add(item, &output)
            }
        default: break
        }
        parts[event.part] = part
    }

    /// The item of this format that a part of an unknown kind holds.
    private static func ownItem(_ extra: String) -> JSONValue? {
        guard let part = try? JSONValue(parsing: extra), part["native"]?[ResponsesFormat.id] != nil else { return nil }
        return part["value"]
    }

    private mutating func delta(_ event: AnswerEvent, _ output: inout [UInt8]) {
        guard parts.indices.contains(event.part), let part = parts[event.part], !event.text.isEmpty else { return }
        switch (part.kind, event.field) {
        case (.text, .text?), (.refusal, .text?):
            let (item, content) = place(event.part, part, &output)
            items[item].contents[content].text += event.text
            writeText(event.text, item, content, isRefusal: part.kind == .refusal, &output)
        case (.reasoning, .text?):
            if context.request.hidesReasoning { return }
            let item = reasoningItem(event.part, part, &output)
            if items[item].text.isEmpty { openSummary(item, &output) }
            items[item].text += event.text
            writeSummary(event.text, item, &output)
        case (.reasoning, .opaque?), (.reasoningRedacted, .opaque?):
            let item = reasoningItem(event.part, part, &output)
            items[item].sealed = Self.sealed(event.opaqueValue, id: part.id)
        case (.toolCall, .arguments?):
            guard let item = part.item else { return }
            items[item].text += event.text
            writeArguments(event.text, item, &output)
        case (.image, .data?):
            guard let item = part.item else { return }
            items[item].text += event.text
        default: break
        }
    }

    /// The client keeps what another provider sealed as if it were of this one, and brings it back.
    private static func sealed(_ opaque: CanonicalOpaque, id: String) -> String {
        opaque.provider == ResponsesFormat.provider
            ? opaque.data : OpaqueCarrier.wrapped(opaque, id: id.isEmpty ? nil : id)
    }

    private mutating func note(_ event: AnswerEvent, _ output: inout [UInt8]) {
        guard parts.indices.contains(event.part), let part = parts[event.part], part.kind == .text,
            let annotation = (try? JSONValue(parsing: event.extra)).flatMap(ResponsesAnnotation.write)
        else { return }
        let (item, content) = place(event.part, part, &output)
        let index = items[item].contents[content].annotations.count
        items[item].contents[content].annotations.append(annotation)
        let id = items[item].id
        frame("response.output_text.annotation.added", &output) { writer in
            writer.member("item_id", id)
            writer.member("output_index", item)
            writer.member("content_index", content)
            writer.member("annotation_index", index)
            writer.member("annotation", annotation)
        }
    }

    private mutating func close(_ ordinal: Int, _ output: inout [UInt8]) {
        guard parts.indices.contains(ordinal), let part = parts[ordinal] else { return }
        // Reasoning that has neither text nor state is nothing; a call is there as soon as it is open.
        guard let item = part.item else { return }
        switch items[item].kind {
        case .message:
            finishContent(item, part.content, &output)
            // Nothing more can follow into a message that is not the last item.
            if item < items.count - 1, items[item].contents.allSatisfy(\.isClosed) { finishItem(item, &output) }
        case .call: items[item].isClosed = true
        case .reasoning, .image, .native:
            items[item].isClosed = true
            finishItem(item, &output)
        }
    }

    /// Where the text of a part goes: into the open message at the end, or into a new one.
    private mutating func place(
        _ ordinal: Int, _ part: ResponsesEncoderPart, _ output: inout [UInt8]
    ) -> (item: Int, content: Int) {
        if let item = part.item { return (item, part.content) }
        let item: Int
        if let last = items.indices.last, items[last].kind == .message, !items[last].isDone {
            item = last
        } else {
            item = addItem(.message, "msg", &output)
        }
        let content = openContent(item, isRefusal: part.kind == .refusal, &output)
        parts[ordinal]?.item = item
        parts[ordinal]?.content = content
        return (item, content)
    }

    private mutating func reasoningItem(
        _ ordinal: Int, _ part: ResponsesEncoderPart, _ output: inout [UInt8]
    ) -> Int {
        if let item = part.item { return item }
        let item =
            part.id.hasPrefix("rs_")
            ? add(ResponsesEncoderItem(.reasoning, id: part.id), &output) : addItem(.reasoning, "rs", &output)
        parts[ordinal]?.item = item
        return item
    }

    private mutating func addCall(_ part: ResponsesEncoderPart, _ output: inout [UInt8]) -> Int {
        let isText = part.extra.hasPrefix(#"{"kind":"custom""#)
        let isCustom = isText || context.request.customTools.contains(part.name)
        var item = ResponsesEncoderItem(.call, id: mint(isCustom ? "ctc" : "fc"))
        item.callID = part.id
        let group = echo.grouped[part.name]
        item.name = group?.name ?? part.name
        item.namespace = group?.namespace
        item.isCustom = isCustom
        item.isText = isText
        return add(item, &output)
    }

    private func mint(_ prefix: String) -> String {
        "\(prefix)_\(context.requestID.isEmpty ? StableHash.digits(id) : context.requestID)_\(items.count)"
    }

    private mutating func addItem(
        _ kind: ResponsesEncoderItem.Kind, _ prefix: String, _ output: inout [UInt8]
    ) -> Int {
        add(ResponsesEncoderItem(kind, id: mint(prefix)), &output)
    }

    private mutating func add(_ item: ResponsesEncoderItem, _ output: inout [UInt8]) -> Int {
        closeMessages(&output)
        items.append(item)
        writeAdded(items.count - 1, &output)
        return items.count - 1
    }

    /// A message whose texts are complete is complete when something else begins.
    private mutating func closeMessages(_ output: inout [UInt8]) {
        guard let last = items.indices.last, items[last].kind == .message, !items[last].isDone,
            items[last].contents.allSatisfy(\.isClosed)
        else { return }
        finishItem(last, &output)
    }

    // MARK: - Endings

    private mutating func end(_ output: inout [UInt8]) {
        begin(&output)
        let reason = finish?.reason ?? .stop
        if reason == .malformedToolCall {
            return fail(CanonicalError(.server, message: "the model made a tool call that cannot be read"), &output)
        }
        if reason == .refusal, !items.contains(where: { $0.contents.contains(where: \.isRefusal) }) {
            refuse(&output)
        } else if items.isEmpty, reason == .stop {
            let item = addItem(.message, "msg", &output)
            _ = openContent(item, isRefusal: false, &output)
        }
        let (status, incomplete) = ResponsesFormat.ending(reason)
        // A clean end means that everything is complete, even what nobody closed, unless the answer was cut short.
        for item in items.indices where !items[item].isDone {
            if incomplete == nil { items[item].isClosed = true }
            if items[item].isCut, incomplete != nil { continue }
            finishItem(item, &output)
        }
        hasEnded = true
        guard !isSilent else { return }
        var response = JSONWriter()
        writeResponse(status: status, incomplete: incomplete, into: &response)
        frame(incomplete == nil ? "response.completed" : "response.incomplete", &output) { writer in
            writer.key("response")
            writer.raw(response.bytes)
        }
    }

    /// The model refused without saying so in a part of its own.
    private mutating func refuse(_ output: inout [UInt8]) {
        let item: Int
        if let last = items.indices.last, items[last].kind == .message, !items[last].isDone {
            item = last
        } else {
            item = addItem(.message, "msg", &output)
        }
        let content = openContent(item, isRefusal: true, &output)
        items[item].contents[content].text = ResponsesFormat.refusalNotice
        writeText(ResponsesFormat.refusalNotice, item, content, isRefusal: true, &output)
    }

    private mutating func fail(_ error: CanonicalError, _ output: inout [UInt8]) {
        hasEnded = true
        failure = error
        guard hasStarted else {
            return frame("error", &output) { writer in
                writer.member("code", ResponsesErrors.streamCode(error))
                writer.member("message", OpenAIErrorObject.message(error))
                writer.key("param")
                if let param = error.param { writer.string(param) } else { writer.null() }
            }
        }
        var response = JSONWriter()
        writeResponse(status: "failed", error: error, into: &response)
        frame("response.failed", &output) { writer in
            writer.key("response")
            writer.raw(response.bytes)
        }
    }

    /// The whole response, after the last event.
    func document(logprobs: JSONValue?, serviceTier: String?) -> [UInt8] {
        let (status, incomplete) = ResponsesFormat.ending(finish?.reason ?? .stop)
        var writer = JSONWriter()
        writeResponse(
            status: status, incomplete: incomplete, error: failure, logprobs: logprobs, serviceTier: serviceTier,
            into: &writer)
        return writer.bytes
    }
}
