import PatchbayWire

/// The OpenAPI 3.1 document, made from the routes that are served.
enum OpenAPIDocument {
    static func make(_ routes: [AdminRoute], version: String) -> JSONValue {
        let shown = routes.filter { !$0.isAlias }
        var paths = JSONObject()
        for path in distinct(shown.map(\.path)) {
            paths.append(path, pathItem(path, shown.filter { $0.path == path }))
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Patchbay admin API", "version": .string(version),
                "description": .string(introduction),
            ],
            "servers": [["url": "/"]],
            "tags": .array(tags(shown)),
            "security": [["token": []]],
            "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "token": ["type": "http", "scheme": "bearer", "description": "The token of the admin API."]
                ],
                "schemas": .object(components(shown)),
            ],
        ]
    }

    private static let introduction = """
        Sites, accounts, tokens, keys and routes of a Patchbay gateway, its plugins, and what it has done. \
        Ids that contain a slash may be written in a path with `%2F` or with the slash itself. \
        What the configuration file declares can be read, not changed.
        """

    static let error = Record(
        "Error", "Why something could not be done.",
        [
            Field(
                "error",
                .record(
                    Record(
                        "ErrorDetail", "One error.",
                        [
                            Field(
                                "code", .choice(AdminError.Code.allCases.map(\.rawValue)), required: true,
                                "Bounded word."),
                            Field("message", .string, required: true, "One sentence for people."),
                            Field("field", .string.orNull, required: true, "The field or parameter at fault."),
                        ])), required: true, "The error.")
        ])

    private static func components(_ routes: [AdminRoute]) -> JSONObject {
        var records: [String: Record] = [:]
        for record in routes.flatMap({ self.records($0) }) { records[record.name] = record }
        var components = JSONObject()
        for record in records.values.sorted(by: { $0.name < $1.name }) {
            components.append(record.name, record.openAPI)
        }
        return components
    }

    private static func records(_ route: AdminRoute) -> [Record] {
        let schemas = [route.success.schema, route.body.map { .record($0) }, .record(error)]
        return schemas.compactMap { $0 }.flatMap(\.records)
    }

    private static func tags(_ routes: [AdminRoute]) -> [JSONValue] {
        distinct(routes.map(\.tag)).map { ["name": .string($0)] }
    }

    private static func distinct(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }

    private static func pathItem(_ path: String, _ routes: [AdminRoute]) -> JSONValue {
        var item = JSONObject()
        let parameters = PathSegment.parse(path).compactMap { segment -> JSONValue? in
            guard case .parameter(let name) = segment else { return nil }
            return [
                "name": .string(name), "in": "path", "required": true, "schema": ["type": "string"],
                "description": "The id. A slash in it may be written as %2F or as it is.",
            ]
        }
        if !parameters.isEmpty { item.append("parameters", .array(parameters)) }
        for route in routes { item.append(route.method.rawValue.lowercased(), operation(route)) }
        return .object(item)
    }

    private static func operation(_ route: AdminRoute) -> JSONValue {
        var operation: JSONValue = [
            "operationId": .string(route.operation), "summary": .string(route.summary), "tags": [.string(route.tag)],
        ]
        if !route.query.isEmpty { operation["parameters"] = .array(route.query.map(\.parameter)) }
        if let body = route.body {
            operation["requestBody"] = [
                "required": true, "content": [AdminAnswer.json: ["schema": Schema.record(body).openAPI]],
            ]
        }
        switch route.access {
        case .token: break
        case .open: operation["security"] = []
        case .metrics: operation["security"] = [["token": []], .emptyObject]
        }
        operation["responses"] = responses(route)
        return operation
    }

    private static func responses(_ route: AdminRoute) -> JSONValue {
        var success: JSONValue = ["description": .string(route.success.note)]
        if let schema = route.success.schema {
            success["content"] = [route.success.contentType: ["schema": schema.openAPI]]
        }
        var responses = JSONObject([.init(key: String(route.success.status), value: success)])
        var codes = route.errors
        if route.access != .open { codes += [.unauthorized, .tooManyAttempts] }
        if route.body != nil || !route.query.isEmpty { codes += [.invalidField] }
        if route.body != nil { codes += [.bodyTooLarge] }
        for status in Set(codes.map(\.status)).sorted() {
            let words = Set(codes.filter { $0.status == status }.map(\.rawValue)).sorted().joined(separator: ", ")
            responses.append(
                String(status),
                [
                    "description": .string("Refused: \(words)."),
                    "content": [AdminAnswer.json: ["schema": errorReference]],
                ])
        }
        return .object(responses)
    }

    private static var errorReference: JSONValue { Schema.record(error).openAPI }
}
