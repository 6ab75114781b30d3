/// What the client asks for in the query of `GET /v1/responses/{id}`.
struct ResponseQuery: Sendable {
    var isStream = false
    /// Number of the last event that the client has; -1 = none.
    var after = -1

    init(_ query: String) throws(GatewayError) {
        for pair in query.split(separator: "&") {
            if pair == "stream=true" { isStream = true }
            guard pair.hasPrefix("starting_after=") else { continue }
            guard let number = Int(pair.dropFirst(15)), number >= -1 else {
                throw .invalid("\"starting_after\" has to be the number of an event", parameter: "starting_after")
            }
            after = number
        }
    }
}
