package import PatchbayWire

extension JSONWriter {
    package mutating func member(_ name: StaticString, ifPresent flag: Bool?) {
        guard let flag else { return }
        member(name, flag)
    }

    /// Writes `{"<format>": {…}}`, or nothing.
    package mutating func member(_ name: StaticString, ifPresent native: CanonicalNative?) {
        guard let native, !native.members.isEmpty else { return }
        key(name)
        beginObject()
        key(native.format)
        value(.object(native.members))
        endObject()
    }

    package mutating func members(_ members: JSONObject) {
        for member in members {
            key(member.key)
            value(member.value)
        }
    }
}
