import PatchbayCore
import PatchbayWire

enum GroupResource: Resource {
    typealias Value = KeyGroup

    static let plural = "groups"
    static let singular = "group"

    static let view = View<KeyGroup>(
        "Group", "A tenant: keys that share limits.",
        [
            .string("id", "Its name.") { $0.name },
            .string("name", "Unique; what keys name.") { $0.name },
        ] + SharedSettings.keyLimits.properties { $0.limits } + sourceProperties)

    static let creation = Record(
        "GroupCreation", "A new group of keys.",
        [Field("name", Shared.name, required: true, "Lower-case letters, digits, '-', '_' and '.'; unique.")]
            + SharedSettings.keyLimits.fields)

    static let change = Record("GroupChange", "Changes to a group of keys.", SharedSettings.keyLimits.fields)

    static func all(in configuration: Configuration) -> [KeyGroup] { configuration.groups }
    static func id(of group: KeyGroup) -> String { group.name }
    static func source(of group: KeyGroup) -> ConfigurationSource { group.source }

    static func make(_ body: JSONObject, in configuration: Configuration) throws(AdminError) -> KeyGroup {
        var group = KeyGroup(name: body["name"]?.stringValue ?? "", source: .store)
        try apply(body, to: &group)
        return group
    }

    static func apply(_ body: JSONObject, to group: inout KeyGroup) throws(AdminError) {
        SharedSettings.keyLimits.apply(body, to: &group.limits)
    }

    static func validate(_ group: inout KeyGroup) throws(AdminError) {
        let checked = group
        try checking { () throws(ValidationError) in try Validation.group(checked) }
    }

    static func definition(of group: KeyGroup) -> Definition { .group(group) }
    static func definitionID(of group: KeyGroup) -> DefinitionID { .group(group.name) }
}
