package import PatchbayWire

/// Arguments of a call where a format wants an object instead of text.
package enum ToolArguments {
    /// How faithful the object is.
    package enum Quality: Sendable {
        case exact
        /// The arguments were JSON but no object, and stand under `value`.
        case wrapped
        /// They were no JSON, and stand under `_raw`.
        case raw
    }

    /// The object for arguments as text. Nothing is repaired silently.
    package static func object(_ call: CanonicalToolCall) -> (value: JSONValue, quality: Quality) {
        if call.kind == .custom { return (["input": .string(call.arguments)], .exact) }
        guard call.arguments.utf8.contains(where: { $0 > 0x20 }) else { return (.emptyObject, .exact) }
        guard let value = try? JSONValue(parsing: call.arguments) else {
            return (["_raw": .string(call.arguments)], .raw)
        }
        if case .object = value { return (value, .exact) }
        return (["value": value], .wrapped)
    }
}
