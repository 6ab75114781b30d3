import PatchbayCore
import PatchbayWire

enum SiteResource: Resource {
    typealias Value = Site

    static let plural = "sites"
    static let singular = "site"

    static let view = View<Site>(
        "Site", "One deployment of an upstream platform.",
        [
            .string("id", "Its name.") { $0.name },
            .string("name", "Unique.") { $0.name },
            .string("platform", "Id of the plugin that knows the platform.") { $0.platform },
            .string("base_url", "Without a trailing slash.") { $0.baseURL },
            .strings("formats", "Wire formats it speaks; empty = the default of the plugin.") {
                $0.formats.map(\.rawValue)
            },
            .member("headers", .array(headerOutput), "Headers added to every request; their values are not shown.") {
                .array($0.headers.map { ["name": .string($0.name), "has_secret": true] })
            },
            .member("plugin_configuration", .document, "Settings for the plugin.") {
                (try? JSONValue(parsing: $0.pluginConfiguration)) ?? .emptyObject
            },
            .member("conversion", .document, "What conversions have to know of its models.") {
                (try? JSONValue(parsing: $0.conversion)) ?? .emptyObject
            },
            .boolean("enabled", "Requests may use it.") { $0.enabled },
            .integer("accounts", "How many accounts it has.") { $0.accounts.count },
        ] + SharedSettings.policy.properties { $0.policy } + SharedSettings.concurrency.properties { $0.concurrency }
            + SharedSettings.pool.properties { $0.pool } + sourceProperties)

    private static let headerOutput = Schema.record(
        Record(
            "Header", "A header without its value.",
            [
                Field("name", .string, required: true, "Of the header."),
                Field("has_secret", .boolean, required: true, "It has a value."),
            ]))

    private static let headerInput = Schema.record(
        Record(
            "HeaderInput", "A header.",
            [
                Field("name", .string, required: true, "Of the header."),
                Field("value", .string, secret: true, "May be left out to keep the value of the header of that name."),
            ]))

    private static let changeable =
        [
            Field("formats", .array(.string), "Wire formats it speaks; the default of the plugin unless given."),
            Field("headers", .array(headerInput), "Headers added to every request."),
            Field("plugin_configuration", .document, "Settings for the plugin."),
            Field("conversion", .record(ConversionSchema.site), "What conversions have to know of its models."),
            Shared.enabled,
        ] + SharedSettings.policy.fields + SharedSettings.concurrency.fields + SharedSettings.pool.fields

    static let creation = Record(
        "SiteCreation", "A new site.",
        [
            Field("name", Shared.name, required: true, "Lower-case letters, digits, '-', '_' and '.'; unique."),
            Field("platform", .string, required: true, "Id of the plugin that knows the platform."),
            Field("base_url", .string, required: true, "Absolute, http or https."),
        ] + changeable)

    static let change = Record(
        "SiteChange", "Changes to a site.",
        [
            Field("platform", .string, "Id of the plugin that knows the platform."),
            Field("base_url", .string, "Absolute, http or https."),
        ] + changeable)

    static func all(in configuration: Configuration) -> [Site] { configuration.sites }
    static func id(of site: Site) -> String { site.name }
    static func source(of site: Site) -> ConfigurationSource { site.source }

    static func make(_ body: JSONObject, in configuration: Configuration) throws(AdminError) -> Site {
        var site = Site(name: body["name"]?.stringValue ?? "", platform: "", baseURL: "", source: .store)
        try apply(body, to: &site)
        return site
    }

    static func apply(_ body: JSONObject, to site: inout Site) throws(AdminError) {
        if let platform = body["platform"]?.stringValue { site.platform = platform }
        if let url = body["base_url"]?.stringValue { site.baseURL = url }
        if let formats = body["formats"]?.arrayValue {
            site.formats = formats.compactMap(\.stringValue).map(WireFormat.init(rawValue:))
        }
        if let headers = body["headers"]?.arrayValue { site.headers = try Self.headers(headers, keeping: site.headers) }
        if let settings = body["plugin_configuration"] {
            site.pluginConfiguration = String(decoding: settings.serialised(), as: UTF8.self)
        }
        if let conversion = body["conversion"] {
            site.conversion = String(decoding: conversion.serialised(), as: UTF8.self)
        }
        if let enabled = body["enabled"]?.boolValue { site.enabled = enabled }
        SharedSettings.policy.apply(body, to: &site.policy)
        SharedSettings.concurrency.apply(body, to: &site.concurrency)
        SharedSettings.pool.apply(body, to: &site.pool)
    }

    private static func headers(
        _ list: [JSONValue], keeping old: [HeaderSetting]
    ) throws(AdminError) -> [HeaderSetting] {
        var headers: [HeaderSetting] = []
        for (index, item) in list.enumerated() {
            let name = item["name"]?.stringValue ?? ""
            let known = old.first { $0.name.lowercased() == name.lowercased() }
            guard let value = item["value"]?.stringValue.map(Secret.init) ?? known?.value else {
                let field = "headers[\(index)].value"
                throw AdminError(.invalidField, "\(field) is required.", field: field)
            }
            headers.append(HeaderSetting(name: name, value: value))
        }
        return headers
    }

    static func validate(_ site: inout Site) throws(AdminError) {
        let checked = site
        site = try checking { () throws(ValidationError) in try Validation.site(checked) }
        let conversion = try? JSONValue(parsing: checked.conversion)
        for part in [conversion].compactMap({ $0 }) + (conversion?["models"]?.arrayValue ?? []) {
            for (index, name) in (part["drop"]?.arrayValue ?? []).enumerated() {
                try checking { () throws(ValidationError) in
                    try Validation.droppedMember(name.stringValue ?? "", field: "conversion.drop[\(index)]")
                }
            }
        }
    }

    static func checkDeletion(of site: Site, in configuration: Configuration) throws(AdminError) {
        try RouteUse.refuse("The site '\(site.name)'", in: configuration) { $0.site == site.name }
    }

    static func definition(of site: Site) -> Definition { .site(site) }
    static func definitionID(of site: Site) -> DefinitionID { .site(site.name) }
}

/// Whether a route names something.
enum RouteUse {
    static func refuse(
        _ what: String, in configuration: Configuration, where names: (ChannelReference) -> Bool
    ) throws(AdminError) {
        guard let route = configuration.routes.first(where: { $0.channels.contains(where: names) }) else { return }
        throw AdminError(.inUse, "\(what) is named by the route '\(route.model)'; change the route first.")
    }
}
