import PatchbayWire

/// The shape of a JSON value: checks what comes in and describes itself in the OpenAPI document.
struct Schema: Sendable {
    indirect enum Kind: Sendable {
        case boolean
        case integer(ClosedRange<Int>?)
        case number(ClosedRange<Double>?)
        case string(length: ClosedRange<Int>?)
        case choice([String])
        /// RFC 3339 in UTC.
        case timestamp
        /// A JSON object that is passed on as it is.
        case document
        case array(Schema)
        case record(Record)
        case either([Schema])
        /// An object whose members all have this shape.
        case map(Schema)
    }

    var kind: Kind
    var isNullable = false

    init(_ kind: Kind, isNullable: Bool = false) {
        self.kind = kind
        self.isNullable = isNullable
    }

    static let boolean = Schema(.boolean)
    static let integer = Schema(.integer(nil))
    static let number = Schema(.number(nil))
    static let string = Schema(.string(length: nil))
    static let timestamp = Schema(.timestamp)
    static let document = Schema(.document)

    static func integer(_ range: ClosedRange<Int>) -> Schema { Schema(.integer(range)) }
    static func number(_ range: ClosedRange<Double>) -> Schema { Schema(.number(range)) }
    static func string(_ length: ClosedRange<Int>) -> Schema { Schema(.string(length: length)) }
    static func choice(_ words: [String]) -> Schema { Schema(.choice(words)) }
    static func array(_ element: Schema) -> Schema { Schema(.array(element)) }
    static func record(_ record: Record) -> Schema { Schema(.record(record)) }
    static func either(_ schemas: [Schema]) -> Schema { Schema(.either(schemas)) }
    static func map(_ element: Schema) -> Schema { Schema(.map(element)) }

    /// The same or null.
    var orNull: Schema { Schema(kind, isNullable: true) }
}

/// A JSON object with named members; no others are taken.
struct Record: Sendable {
    /// Name in the document; unique.
    var name: String
    var note: String
    var fields: [Field]

    init(_ name: String, _ note: String, _ fields: [Field]) {
        self.name = name
        self.note = note
        self.fields = fields
    }
}

/// A member of an object, or a parameter of a query.
struct Field: Sendable {
    var name: String
    var schema: Schema
    var isRequired: Bool
    /// Taken, never shown.
    var isSecret: Bool
    var note: String

    init(_ name: String, _ schema: Schema, required: Bool = false, secret: Bool = false, _ note: String) {
        self.name = name
        self.schema = schema
        isRequired = required
        isSecret = secret
        self.note = note
    }
}

/// How a value is shown: the members, their schemas and where they come from.
struct View<Value>: Sendable {
    struct Property: Sendable {
        var field: Field
        var read: @Sendable (Value) -> JSONValue
    }

    let name: String
    let note: String
    let properties: [Property]

    init(_ name: String, _ note: String, _ properties: [Property]) {
        self.name = name
        self.note = note
        self.properties = properties
    }

    var record: Record { Record(name, note, properties.map(\.field)) }
    var schema: Schema { .record(record) }

    func document(_ value: Value) -> JSONValue {
        .object(JSONObject(properties.map { JSONObject.Member(key: $0.field.name, value: $0.read(value)) }))
    }
}

extension View.Property {
    /// A member that is always present.
    static func member(
        _ name: String, _ schema: Schema, _ note: String, _ read: @escaping @Sendable (Value) -> JSONValue
    ) -> Self {
        Self(field: Field(name, schema, required: true, note), read: read)
    }

    static func string(_ name: String, _ note: String, _ read: @escaping @Sendable (Value) -> String) -> Self {
        member(name, .string, note) { .string(read($0)) }
    }

    static func optionalString(_ name: String, _ note: String, _ read: @escaping @Sendable (Value) -> String?) -> Self {
        member(name, .string.orNull, note) { value in read(value).map { .string($0) } ?? .null }
    }

    static func strings(_ name: String, _ note: String, _ read: @escaping @Sendable (Value) -> [String]) -> Self {
        member(name, .array(.string), note) { .array(read($0).map { .string($0) }) }
    }

    static func integer(_ name: String, _ note: String, _ read: @escaping @Sendable (Value) -> Int) -> Self {
        member(name, .integer, note) { .int(read($0)) }
    }

    static func optionalInteger(_ name: String, _ note: String, _ read: @escaping @Sendable (Value) -> Int?) -> Self {
        member(name, .integer.orNull, note) { value in read(value).map { .int($0) } ?? .null }
    }

    static func number(_ name: String, _ note: String, _ read: @escaping @Sendable (Value) -> Double) -> Self {
        member(name, .number, note) { .double(read($0)) }
    }

    static func boolean(_ name: String, _ note: String, _ read: @escaping @Sendable (Value) -> Bool) -> Self {
        member(name, .boolean, note) { .bool(read($0)) }
    }
}
