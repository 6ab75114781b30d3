import CYAML

/// The events of a YAML text, one after the other, read by libyaml.
final class YAMLEvents {
    /// Why the text is not YAML, in libyaml's words.
    struct Failure: Error {
        var place: Place?
        var sentence: String
    }

    /// What a document is made of. Styles and tags beyond these do not matter to a configuration.
    enum Event {
        case documentStart
        case end
        case scalar(String, isPlain: Bool)
        case list
        case listEnd
        case map
        case mapEnd
        case alias(String)
    }

    /// Where the event that was returned last begins.
    private(set) var place = Place(line: 1, column: 1)
    /// The anchor of that event; nil = none.
    private(set) var anchor: String?
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// - Parameter bytes: valid UTF-8.
    init(_ bytes: [UInt8]) {
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        parser = .allocate(capacity: 1)
        yaml_parser_initialize(parser)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event; `end` again and again once the text is over.
    func next() throws(Failure) -> Event {
        var event = yaml_event_t()
        repeat {
            guard yaml_parser_parse(parser, &event) != 0 else { throw failure }
        } while isOfNoInterest(event.type)
        defer { yaml_event_delete(&event) }
        place = Place(event.start_mark)
        return translate(event)
    }

    private func isOfNoInterest(_ type: yaml_event_type_t) -> Bool {
        type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_END_EVENT
    }

    private func translate(_ event: yaml_event_t) -> Event {
        anchor = nil
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            anchor = Self.text(scalar.anchor)
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_START_EVENT:
            anchor = Self.text(event.data.sequence_start.anchor)
            return .list
        case YAML_SEQUENCE_END_EVENT: return .listEnd
        case YAML_MAPPING_START_EVENT:
            anchor = Self.text(event.data.mapping_start.anchor)
            return .map
        case YAML_MAPPING_END_EVENT: return .mapEnd
        case YAML_ALIAS_EVENT: return .alias(Self.text(event.data.alias.anchor) ?? "")
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        default: return .end
        }
    }

    private static func text(_ bytes: UnsafePointer<UInt8>?) -> String? {
        bytes.map { String(cString: $0) }
    }

    private var failure: Failure {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "there is no memory for it"
        if parser.pointee.error == YAML_READER_ERROR {
            let end = min(parser.pointee.problem_offset, input.count)
            let place = Place(after: UnsafeBufferPointer(rebasing: input[..<end]))
            return Failure(place: place, sentence: "This is not valid YAML: \(problem).")
        }
        let context = parser.pointee.context.map { " \(String(cString: $0))" } ?? ""
        return Failure(place: Place(parser.pointee.problem_mark), sentence: "This is not valid YAML: \(problem)\(context).")
    }
}

extension Place {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }

    /// The place behind some text.
    fileprivate init(after text: UnsafeBufferPointer<UInt8>) {
        self.init(line: 1, column: 1)
        for byte in text {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
    }
}
