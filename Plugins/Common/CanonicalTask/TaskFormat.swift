package import PatchbayWire

/// A wire format beside the conversations, as facts about its answers.
package protocol TaskFormat {
    /// The id of the format, or what several ids of one plugin have in common.
    static var id: StaticString { get }
    /// Members of which an answer has at least one.
    static var answerMembers: [StaticString] { get }
    /// An answer may be plain text.
    static var acceptsText: Bool { get }
    /// What an answer cost beside tokens.
    static func units(_ answer: borrowing JSONTape, _ root: JSONIndex) -> BilledUnits
    /// What an event of a streamed answer means.
    static func role(ofEvent name: UnsafeRawBufferPointer) -> TaskEventRole
}

extension TaskFormat {
    package static var acceptsText: Bool { false }

    package static func units(_ answer: borrowing JSONTape, _ root: JSONIndex) -> BilledUnits { BilledUnits() }

    /// Most have no stream.
    package static func role(ofEvent name: UnsafeRawBufferPointer) -> TaskEventRole { .other }
}

/// What an event of a streamed answer means.
package enum TaskEventRole: Sendable {
    /// It brings a piece of the answer.
    case content
    /// It completes the answer, or one of its pieces if the request asked for several.
    case completion(isLast: Bool)
    case other
}

/// What an upstream bills beside tokens, as it says or as can be counted in its answer.
package struct BilledUnits: Sendable, Hashable {
    package var images: Int?
    /// Length of a recording.
    package var seconds: Double?
    package var searches: Int?

    package init(images: Int? = nil, seconds: Double? = nil, searches: Int? = nil) {
        self.images = images
        self.seconds = seconds
        self.searches = searches
    }

    /// The `extra_json` of a usage event; nil if nothing is known.
    package var document: String? {
        var members = JSONObject()
        if let images { members.append("images", .int(images)) }
        if let seconds { members.append("seconds", .double(seconds)) }
        if let searches { members.append("searches", .int(searches)) }
        return members.isEmpty ? nil : JSONValue.object(members).description
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes end with those of `text`.
    package func hasSuffix(_ text: StaticString) -> Bool {
        suffix(text.utf8CodeUnitCount).elementsEqual(
            UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
