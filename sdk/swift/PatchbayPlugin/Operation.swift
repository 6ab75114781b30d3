/// One operation of the control plane: a name and an async function with Codable arguments and result.
///
///     func models(_ call: Call) async throws -> ModelList
///     func createToken(_ wanted: TokenCreation, _ call: Call) async throws -> TokenEntry
///
///     static var operations: [Operation<Self>] {
///         [Operation("models", models), Operation("tokens.create", createToken)]
///     }
public struct Operation<Owner: Plugin>: Sendable {
    public let name: String
    let body: @Sendable (Owner, [UInt8], Call) async throws -> [UInt8]

    /// An operation with arguments.
    public init<Arguments: Decodable & Sendable, Result: Encodable & Sendable>(
        _ name: String, _ body: @escaping @Sendable (Owner) -> @Sendable (Arguments, Call) async throws -> Result
    ) {
        self.name = name
        self.body = { owner, arguments, call in
            let decoded = try JSONText.decode(Arguments.self, from: arguments, as: "arguments", failure: .invalid)
            return try JSONText.encode(await body(owner)(decoded, call))
        }
    }

    /// An operation without arguments of its own.
    public init<Result: Encodable & Sendable>(
        _ name: String, _ body: @escaping @Sendable (Owner) -> @Sendable (Call) async throws -> Result
    ) {
        self.name = name
        self.body = { owner, _, call in try JSONText.encode(await body(owner)(call)) }
    }

    /// An operation that reads and writes JSON text itself.
    public init(
        rawJSON name: String, _ body: @escaping @Sendable (Owner) -> @Sendable ([UInt8], Call) async throws -> [UInt8]
    ) {
        self.name = name
        self.body = { owner, arguments, call in try await body(owner)(arguments, call) }
    }
}
