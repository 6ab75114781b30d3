import Foundation
import PatchbayCore
import PatchbayWire
import Synchronization
import Testing

@testable import PatchbayAdmin

@Suite struct OpenAPIDocumentTests {
    private let client = AdminClient()

    @Test func documentHoldsEveryRouteThatIsServed() async {
        let document = await client.send("GET", "/api/v1/openapi.json").document
        #expect(document["openapi"] == "3.1.0" && document["info"]?["version"] == "1.2.3")
        var described: Set<String> = []
        for path in document["paths"]?.objectValue?.members ?? [] {
            for method in AdminMethod.allCases where path.value[method.rawValue.lowercased()] != nil {
                described.insert("\(method.rawValue) \(path.key)")
            }
        }
        let served = client.service.matcher.routes.filter { !$0.isAlias }.map { "\($0.method.rawValue) \($0.path)" }
        #expect(described == Set(served) && served.count == Set(served).count)
    }

    @Test func operationIdsAreUnique() {
        let ids = client.service.matcher.routes.filter { !$0.isAlias }.map(\.operation)
        #expect(Set(ids).count == ids.count)
    }

    @Test func everyReferenceHasAComponent() async {
        let answer = await client.send("GET", "/api/v1/openapi.json")
        let components = answer.document["components"]?["schemas"]?.objectValue
        let references = answer.text.matches(of: /"#\/components\/schemas\/([A-Za-z]+)"/).map { String($0.output.1) }
        #expect(references.count > 50)
        #expect(Set(references).allSatisfy { components?.contains($0) == true })
    }

    @Test func recordsOfOneNameAreTheSame() {
        var seen: [String: JSONValue] = [:]
        for route in client.service.matcher.routes {
            let schemas = [route.success.schema, route.body.map { .record($0) }].compactMap { $0 }
            for record in schemas.flatMap(\.records) {
                #expect(seen[record.name] ?? record.openAPI == record.openAPI, "\(record.name)")
                seen[record.name] = record.openAPI
            }
        }
    }

    /// The schemas that describe answers are used to check them.
    @Test func answersFitTheirSchemas() async throws {
        client.backend.state.withLock { state in
            state.records = [RequestRecord(id: "r", time: 0, key: "dev", model: "m")]
            state.plugins = [
                PluginSummary(
                    id: "filed", version: "", kinds: [], file: "f", sha256: "", abi: "", toolchain: "", state: "loaded",
                    sentence: "", formats: [], operations: [])
            ]
        }
        let ids = [
            "sites": "filed", "accounts": "filed/main", "tokens": "filed/main/t", "keys": "dev", "groups": "team",
            "routes": "gpt-4o", "requests": "r", "plugins": "filed",
        ]
        for route in client.service.matcher.routes where route.method == .get || route.operation == "explain_route" {
            guard let schema = route.success.schema, route.success.contentType == AdminAnswer.json else { continue }
            let id = ids[route.path.split(separator: "/").dropFirst(2).first.map(String.init) ?? ""] ?? ""
            let body = route.method == .post ? #"{"model":"gpt-4o"}"# : ""
            let answer = await client.send(route.method.rawValue, route.path.replacing("{id}", with: id), body)
            #expect(answer.status == 200, "\(route.path)")
            #expect(throws: Never.self, "\(route.path)") { try schema.check(answer.document, path: "answer") }
        }
    }

    /// `docs/admin-api/openapi.json` is the document for readers. Set PATCHBAY_UPDATE_GOLDEN to write it anew.
    @Test func documentInTheDocumentationIsThatOfTheCode() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../docs/admin-api/openapi.json")
        let routes = client.service.matcher.routes
        let document = OpenAPIDocument.make(routes, version: "1")
        if ProcessInfo.processInfo.environment["PATCHBAY_UPDATE_GOLDEN"] != nil {
            let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let tree = try JSONSerialization.jsonObject(with: Data(document.serialised()))
            try (JSONSerialization.data(withJSONObject: tree, options: options) + Data("\n".utf8)).write(to: file)
        }
        let golden = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? NSDictionary
        let made = try JSONSerialization.jsonObject(with: Data(document.serialised())) as? NSDictionary
        #expect(golden == made && made != nil)
    }
}
