/// How long and how much of responses the gateway keeps for clients that refer to them.
package struct ResponseStoreSettings: Sendable, Hashable {
    /// Milliseconds after the last use; 0 keeps nothing.
    package var keepMilliseconds: Int64 = 86_400_000
    /// Bytes of all responses together; the ones that expire first make room.
    package var bytes = 268_435_456
    /// Bytes of one response and its input; a larger one is not kept.
    package var entryBytes = 16_777_216

    package init() {}

    package var isOn: Bool { keepMilliseconds > 0 }
}
