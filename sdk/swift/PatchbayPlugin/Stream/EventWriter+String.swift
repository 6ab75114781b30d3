/// The same functions for text that the author holds as String.
extension EventWriter {
    public mutating func start(id: String, model: String, usage: UsageCounters = UsageCounters()) {
        withText(id) { id, writer in
            writer.withText(model) { model, writer in writer.start(id: id, model: model, usage: usage) }
        }
    }

    public mutating func usage(_ usage: UsageCounters, isEstimated: Bool = false, unitsJSON: String?) {
        withText(unitsJSON) { units, writer in
            writer.usage(usage, isEstimated: isEstimated, unitsJSON: units)
        }
    }

    public mutating func openPart(
        choice: Int = 0, part: Int, _ kind: PartKind, id: String?, name: String? = nil, extraJSON: String? = nil
    ) {
        withText(id) { id, writer in
            writer.withText(name) { name, writer in
                writer.withText(extraJSON) { extra, writer in
                    writer.openPart(choice: choice, part: part, kind, id: id, name: name, extraJSON: extra)
                }
            }
        }
    }

    public mutating func delta(choice: Int = 0, part: Int, _ field: PartField, _ text: String, name: String? = nil) {
        withText(text) { text, writer in
            writer.withText(name) { name, writer in
                writer.delta(choice: choice, part: part, field, text, name: name)
            }
        }
    }

    public mutating func textDelta(choice: Int = 0, part: Int, _ text: String) {
        delta(choice: choice, part: part, .text, text)
    }

    public mutating func note(choice: Int = 0, part: Int, json: String) {
        withText(json) { json, writer in writer.note(choice: choice, part: part, json: json) }
    }

    public mutating func finish(choice: Int = 0, _ reason: FinishReason, stopSequence: String?, native: String?) {
        withText(stopSequence) { sequence, writer in
            writer.withText(native) { native, writer in
                writer.finish(choice: choice, reason, stopSequence: sequence, native: native)
            }
        }
    }

    public mutating func error(_ category: ErrorCategory, message: String, code: String? = nil, type: String? = nil) {
        withText(message) { message, writer in
            writer.withText(code) { code, writer in
                writer.withText(type) { type, writer in
                    writer.error(category, message: message, code: code, type: type)
                }
            }
        }
    }

    public mutating func native(format: String, event name: String?, dataJSON: String) {
        withText(format) { format, writer in
            writer.withText(name) { name, writer in
                writer.withText(dataJSON) { data, writer in writer.native(format: format, event: name, dataJSON: data) }
            }
        }
    }

    private mutating func withText(_ text: String?, _ body: (ByteView, inout EventWriter) -> Void) {
        guard var text else { return body(.absent, &self) }
        text.withUTF8 { body(ByteView(UnsafeRawBufferPointer($0)), &self) }
    }
}
