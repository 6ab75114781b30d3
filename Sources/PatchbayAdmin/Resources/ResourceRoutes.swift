import PatchbayCore
import PatchbayWire

/// The five operations of a resource.
struct ResourceRoutes<Kind: Resource>: Sendable {
    let backend: any AdminBackend
    let changes: ChangeQueue

    static var collection: String { "/api/v1/\(Kind.plural)" }
    static var item: String { "\(collection)/{id}" }

    var all: [AdminRoute] { [list, create, read, update, delete] }

    private func route(
        _ method: AdminMethod, _ path: String, _ verb: String, _ summary: String, success: AdminRoute.Success,
        handle: @escaping @Sendable (AdminCall) async throws -> AdminAnswer
    ) -> AdminRoute {
        AdminRoute(
            method: method, path: path, operation: "\(verb)_\(verb == "list" ? Kind.plural : Kind.singular)",
            summary: summary, tag: Kind.plural, success: success, handle: handle)
    }

    var list: AdminRoute {
        let page = Record(
            "\(Kind.view.name)List", "A page of a list.",
            [
                Field("data", .array(Kind.view.schema), required: true, "By id."),
                Field("next", .string.orNull, required: true, "The cursor of the next page; null on the last."),
            ])
        var list = route(
            .get, Self.collection, "list", "List \(Kind.plural).",
            success: .init(schema: .record(page), note: "A page.")
        ) { [backend] call in
            let values = Kind.all(in: try await backend.configuration())
            return Paging.answer(values, call: call, id: Kind.id, document: Kind.view.document)
        }
        list.query = Paging.fields
        return list
    }

    var create: AdminRoute {
        var create = route(
            .post, Self.collection, "create", "Create a \(Kind.singular).",
            success: .init(status: 201, schema: Kind.view.schema, note: "It exists now.")
        ) { [backend, changes] call in
            try await changes.run {
                let configuration = try await backend.configuration()
                var value = try Kind.make(call.body, in: configuration)
                try Kind.validate(&value)
                try Self.requireNew(value, in: configuration)
                try await backend.save(Kind.definition(of: value))
                return AdminAnswer(status: 201, Kind.view.document(value))
            }
        }
        create.body = Kind.creation
        create.errors = [.alreadyExists, .readOnly, .notFound]
        return create
    }

    static func requireNew(_ value: Kind.Value, in configuration: Configuration) throws(AdminError) {
        let id = Kind.id(of: value)
        guard !Kind.all(in: configuration).contains(where: { Kind.id(of: $0) == id }) else {
            throw AdminError(.alreadyExists, "There is a \(Kind.singular) '\(id)' already.")
        }
    }

    var read: AdminRoute {
        var read = route(
            .get, Self.item, "get", "Read a \(Kind.singular).", success: .init(schema: Kind.view.schema, note: "It.")
        ) { [backend] call in
            AdminAnswer(Kind.view.document(try Kind.find(call.id, in: try await backend.configuration())))
        }
        read.errors = [.notFound]
        return read
    }

    var update: AdminRoute {
        var update = route(
            .patch, Self.item, "update", "Change a \(Kind.singular); members that are absent stay as they are.",
            success: .init(schema: Kind.view.schema, note: "As it is now.")
        ) { [backend, changes] call in
            try await changes.run {
                var value = try Kind.findChangeable(call.id, in: try await backend.configuration())
                try Kind.apply(call.body, to: &value)
                try Kind.validate(&value)
                try await backend.save(Kind.definition(of: value))
                return AdminAnswer(Kind.view.document(value))
            }
        }
        update.body = Kind.change
        update.errors = [.notFound, .readOnly]
        return update
    }

    var delete: AdminRoute {
        var delete = route(
            .delete, Self.item, "delete", "Delete a \(Kind.singular) and what belongs to it.",
            success: .init(status: 204, note: "It is gone.")
        ) { [backend, changes] call in
            try await changes.run {
                let configuration = try await backend.configuration()
                let value = try Kind.findChangeable(call.id, in: configuration)
                try Kind.checkDeletion(of: value, in: configuration)
                try await backend.delete(Kind.definitionID(of: value))
                return .empty
            }
        }
        delete.errors = [.notFound, .readOnly, .inUse]
        return delete
    }
}

/// Runs changes one after the other, so that each is checked against what the one before it left.
actor ChangeQueue {
    private var last: Task<Void, Never>?

    func run(_ change: @escaping @Sendable () async throws -> AdminAnswer) async throws -> AdminAnswer {
        let previous = last
        let task = Task {
            await previous?.value
            return try await change()
        }
        last = Task { _ = await task.result }
        return try await task.value
    }
}

/// Pages of lists that are in memory, ordered by id. The cursor is the id that a page ended with.
enum Paging {
    static let limits = 1...500

    static let fields = [
        Field("limit", .integer(limits), "Longest page; 100 unless given."),
        Field("cursor", .string, "`next` of the page before."),
    ]

    static func answer<Value>(
        _ values: [Value], call: AdminCall, id: (Value) -> String, document: (Value) -> JSONValue
    ) -> AdminAnswer {
        let limit = call.query["limit"].flatMap(Int.init) ?? 100
        let cursor = call.query["cursor"]
        let ordered = values.map { (id: id($0), value: $0) }.sorted { $0.id < $1.id }
        let rest = ordered.drop { cursor != nil && $0.id <= cursor ?? "" }
        let page = rest.prefix(limit)
        let next = page.count < rest.count ? page.last?.id : nil
        return list(page.map { document($0.value) }, next: next)
    }

    static func list(_ documents: [JSONValue], next: String?) -> AdminAnswer {
        AdminAnswer(["data": .array(documents), "next": next.map { .string($0) } ?? .null])
    }
}
