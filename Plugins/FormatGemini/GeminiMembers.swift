import CanonicalChat
import PatchbayWire

/// Objects of the format under the names that it writes itself: protobuf JSON reads `snake_case` as well.
enum GeminiMembers {
    /// The members of an object, its own names in `camelCase`; nil if the value is no object.
    static func read(_ value: JSONValue?) -> JSONObject? {
        guard var members = value?.objectValue else { return nil }
        for index in members.members.indices where members.members[index].key.utf8.contains(UInt8(ascii: "_")) {
            members.members[index].key = camelCase(members.members[index].key)
        }
        return members
    }

    /// The same for everything inside, where no names belong to somebody else.
    static func deep(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let items): return .array(items.map(deep))
        case .object:
            var members = read(value) ?? JSONObject()
            for index in members.members.indices {
                members.members[index].value = deep(members.members[index].value)
            }
            return .object(members)
        default: return value
        }
    }

    private static func camelCase(_ name: String) -> String {
        var result = ""
        var isUpper = false
        for scalar in name.unicodeScalars {
            if scalar == "_" {
                isUpper = !result.isEmpty
            } else if isUpper, scalar >= "a" && scalar <= "z" {
                result.unicodeScalars.append(Unicode.Scalar(UInt8(scalar.value) - 32))
                isUpper = false
            } else {
                result.unicodeScalars.append(scalar)
                isUpper = false
            }
        }
        return result
    }
}

extension JSONValue {
    /// A number, also of one written as a string: protobuf JSON writes 64-bit integers so.
    var protobufNumber: JSONValue? {
        if case .number = self { return self }
        return stringValue.flatMap(JSONNumber.init(lexeme:)).map(JSONValue.number)
    }

    /// A whole number in any of its spellings, `40.0` and `"40"` among them.
    var protobufInt: Int? {
        guard let number = protobufNumber else { return nil }
        if let value = number.intValue { return value }
        guard let value = number.doubleValue, value == value.rounded(), abs(value) < 9e15 else { return nil }
        return Int(value)
    }
}
