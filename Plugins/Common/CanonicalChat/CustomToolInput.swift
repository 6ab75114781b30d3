package import PatchbayWire

/// How a tool that takes free text travels through a format that knows functions only: as a function with one
/// string argument.
package enum CustomToolInput {
    /// The schema of the function that stands for the tool.
    package static let schema: JSONValue = [
        "type": "object", "properties": ["input": ["type": "string"]], "required": ["input"],
        "additionalProperties": false,
    ]

    /// The arguments of the function for a free text.
    package static func wrapped(_ text: String) -> String {
        JSONValue.object(["input": .string(text)]).description
    }

    /// The free text of a call, whether it came as text or as the function's arguments.
    package static func unwrapped(_ call: CanonicalToolCall) -> String {
        if call.kind == .custom { return call.arguments }
        return (try? JSONValue(parsing: call.arguments))?["input"]?.stringValue ?? call.arguments
    }
}
