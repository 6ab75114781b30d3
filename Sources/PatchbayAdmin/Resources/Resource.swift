import PatchbayCore
import PatchbayWire

/// A kind of definition that the API lists, creates, reads, changes and deletes.
protocol Resource: Sendable {
    associatedtype Value: Sendable

    /// In paths, such as `sites`.
    static var plural: String { get }
    /// In sentences, such as `site`.
    static var singular: String { get }
    static var view: View<Value> { get }
    /// What creates one.
    static var creation: Record { get }
    /// What changes one; every field is optional.
    static var change: Record { get }

    static func all(in configuration: Configuration) -> [Value]
    static func id(of value: Value) -> String
    static func source(of value: Value) -> ConfigurationSource

    /// A new value from a body that fits ``creation``.
    static func make(_ body: JSONObject, in configuration: Configuration) throws(AdminError) -> Value
    /// Takes over what a body that fits ``change`` says.
    static func apply(_ body: JSONObject, to value: inout Value) throws(AdminError)
    /// Checks the whole value and brings it into its normal form.
    static func validate(_ value: inout Value) throws(AdminError)
    /// Refuses a deletion that would break something else.
    static func checkDeletion(of value: Value, in configuration: Configuration) throws(AdminError)

    static func definition(of value: Value) -> Definition
    static func definitionID(of value: Value) -> DefinitionID
}

extension Resource {
    static func checkDeletion(of value: Value, in configuration: Configuration) throws(AdminError) {}

    static func find(_ id: String, in configuration: Configuration) throws(AdminError) -> Value {
        guard let value = all(in: configuration).first(where: { self.id(of: $0) == id }) else {
            throw AdminError(.notFound, "There is no \(singular) '\(id)'.")
        }
        return value
    }

    /// The value, if it may be changed.
    static func findChangeable(_ id: String, in configuration: Configuration) throws(AdminError) -> Value {
        let value = try find(id, in: configuration)
        guard source(of: value) == .store else { throw readOnly("The \(singular) '\(id)'") }
        return value
    }

    static func readOnly(_ what: String, field: String? = nil) -> AdminError {
        AdminError(
            .readOnly, "\(what) is declared in the configuration file, which is the only place to change it.",
            field: field)
    }

    /// Members that every resource shows.
    static var sourceProperties: [View<Value>.Property] {
        [
            .member("source", .choice(["file", "store", "generated"]), "Where it was declared.") {
                .string(source(of: $0).rawValue)
            },
            .boolean("read_only", "It cannot be changed through this API.") { source(of: $0) != .store },
        ]
    }
}

/// Parts that several resources share.
enum Shared {
    static let name = Schema.string(1...Validation.longestName)
    static let modelName = Schema.string(1...Validation.longestModel)
    static let strictConversion = Field(
        "strict_conversion", .boolean,
        "Requests are refused rather than sent with something lost that changes their meaning; false unless given.")
    static let enabled = Field("enabled", .boolean, "Whether requests may use it; true unless given.")

    /// A model of an account or a token: a name, or the upstream's name and the public one.
    static let modelInput = Schema.either([
        modelName,
        .record(
            Record(
                "ModelMappingInput", "A model under another name.",
                [
                    Field("upstream", modelName, required: true, "What the upstream calls it."),
                    Field("as", modelName, "The public name; the upstream's unless given."),
                ])),
    ])

    static let modelOutput = Schema.record(
        Record(
            "ModelMapping", "A model and its public name.",
            [
                Field("upstream", .string, required: true, "What the upstream calls it."),
                Field("as", .string, required: true, "The public name."),
            ]))

    static func models(_ note: String) -> Field { Field("models", Schema.array(modelInput).orNull, note) }

    static func mappings(_ value: JSONValue) -> [ModelMapping]? {
        value.arrayValue?.map { element in
            if let name = element.stringValue { return ModelMapping(upstream: name) }
            return ModelMapping(upstream: element["upstream"]?.stringValue ?? "", name: element["as"]?.stringValue)
        }
    }

    static func document(_ models: [ModelMapping]?) -> JSONValue {
        guard let models else { return .null }
        return .array(models.map { ["upstream": .string($0.upstream), "as": .string($0.name)] })
    }

    /// The first characters of a secret that people recognise it by; never more than a third.
    static func prefix(_ secret: Secret) -> JSONValue { .string(secret.prefix(8)) }
}
