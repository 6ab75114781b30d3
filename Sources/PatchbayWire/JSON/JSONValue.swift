/// A JSON document as a tree. Keeps the order of members, the digits of numbers, and the difference between
/// absent (nil), null and empty.
///
/// For small documents and format conversion. Bodies that are only inspected or patched stay bytes:
/// see ``JSONFieldScanner``, ``JSONTape`` and ``JSONPatch``. Equality compares documents as written, order included.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    package static let emptyObject = JSONValue.object(JSONObject())
    package static let emptyArray = JSONValue.array([])

    package static func int(_ value: Int) -> JSONValue {
        .number(JSONNumber(value))
    }

    /// Infinities and NaN become null.
    package static func double(_ value: Double) -> JSONValue {
        JSONNumber(value).map { .number($0) } ?? .null
    }

    package var kind: JSONKind {
        switch self {
        case .null: .null
        case .bool(let value): value ? .true : .false
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }
}

// MARK: - Accessors

extension JSONValue {
    package var isNull: Bool { self == .null }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// A number that is an integer and fits Int, also when written as `1.0`.
    package var intValue: Int? {
        if case .number(let value) = self { value.intValue } else { nil }
    }

    package var doubleValue: Double? {
        if case .number(let value) = self { value.doubleValue } else { nil }
    }

    package var numberValue: JSONNumber? {
        if case .number(let value) = self { value } else { nil }
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The value itself unless it is null: for fields where null means absent.
    package var nonNull: JSONValue? {
        if case .null = self { nil } else { self }
    }

    /// A member of an object; nil when absent or when this is no object.
    ///
    /// Setting replaces in place or appends, nil removes. A value that is no object becomes one when a member is set.
    package subscript(key: String) -> JSONValue? {
        get { objectValue?[key] }
        set {
            guard case .object(var object) = self else {
                if let newValue { self = .object([key: newValue]) }
                return
            }
            // Releases the tree's own reference first, so that the change happens in place.
            self = .null
            object[key] = newValue
            self = .object(object)
        }
    }

    /// An element of an array; nil when out of range or when this is no array.
    package subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// Adds an element to an array. Anything else becomes an array of that element.
    package mutating func append(_ element: JSONValue) {
        guard case .array(var elements) = self else {
            self = .array([element])
            return
        }
        self = .null
        elements.append(element)
        self = .array(elements)
    }
}

// MARK: - Literals

extension JSONValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) {
        self = .string(value)
    }

    package init(integerLiteral value: Int) {
        self = .int(value)
    }

    package init(floatLiteral value: Double) {
        self = .double(value)
    }

    package init(booleanLiteral value: Bool) {
        self = .bool(value)
    }

    package init(arrayLiteral elements: JSONValue...) {
        self = .array(elements)
    }

    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
    }
}
