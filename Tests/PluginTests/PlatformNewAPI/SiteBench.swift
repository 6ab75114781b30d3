import PatchbayWire

@testable import PatchbaySimulator

/// A site of the test account, with what was answered read as JSON.
struct SiteBench {
    var state: SiteState

    init(_ era: SimulatedSite.Era = .c, _ change: (inout SimulatedSite) -> Void = { _ in }) {
        var site = TestSite.configuration(era)
        site.models.append(SimulatedModel("sim-reasoner", input: 1, output: 4))
        change(&site)
        state = SiteState(site: site)
    }

    var alice: SimulatedUser { state.users[0] }

    mutating func send(
        _ method: String, _ target: String, _ body: JSONValue? = nil, key: String? = TestSite.key,
        headers: [String: String] = [:]
    ) -> SiteAnswer {
        var headers = headers
        if let key { headers["authorization"] = "Bearer sk-\(key)" }
        return state.answer(
            SiteRequest(method: method, target: target, headers: headers, body: body?.serialised() ?? []))
    }

    mutating func json(_ method: String, _ target: String, _ body: JSONValue? = nil) throws -> JSONValue {
        try Self.json(send(method, target, body))
    }

    static func json(_ answer: SiteAnswer) throws -> JSONValue {
        guard case .bytes(let bytes) = answer.body else { return .null }
        return try JSONValue(parsing: bytes)
    }

    /// The data of the events of a stream, and the stream's charge settled.
    mutating func events(_ target: String, _ body: JSONValue) throws -> [JSONValue] {
        guard case .stream(let stream) = send("POST", target, body).body else { return [] }
        state.settle(stream.charge, completionTokens: stream.steps.last?.tokens ?? 0)
        let text = String(decoding: stream.steps.flatMap(\.bytes), as: UTF8.self)
        return try text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
            .map { $0 == "data: [DONE]" ? "[DONE]" : try JSONValue(parsing: String($0.dropFirst(6))) }
    }
}

/// A request of one user message, with more members.
func chat(_ text: String, model: String = "sim-mini", _ more: [(String, JSONValue)] = []) -> JSONValue {
    var body: JSONValue = ["model": .string(model), "messages": [["role": "user", "content": .string(text)]]]
    for (name, value) in more { body[name] = value }
    return body
}
