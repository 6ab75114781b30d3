/// What the generator needs to know of a checked manifest.
struct Manifest {
    var id: String
    /// Swift type that implements the plugin.
    var type: String
    /// The file as it is.
    var text: [UInt8]
}

/// The rules of `plugin.json`. Every problem names the field and the rule.
struct ManifestCheck {
    private(set) var problems: [Problem] = []
    private let root: JSONNode

    private static let kinds = ["platform", "format", "notifier"]
    private static let framings = ["sse", "ndjson", "json-array", "raw"]
    private static let keys = [
        "id", "version", "name", "kinds", "license", "description", "homepage", "entry", "formats", "speaks", "config",
        "credentials", "operations", "permissions", "detect", "locales", "drafts", "schedules",
    ]

    /// Checks a manifest; `module` is the fallback for the Swift type.
    static func read(_ text: [UInt8], module: String) throws(Problems) -> Manifest {
        let root: JSONNode
        do throws(Problem) {
            root = try JSONReader.read(text)
        } catch {
            throw Problems(list: [error])
        }
        var check = ManifestCheck(root: root)
        check.run()
        guard check.problems.isEmpty else { throw Problems(list: check.problems) }
        return Manifest(id: root["id"]?.string ?? "", type: root["entry"]?["type"]?.string ?? module, text: text)
    }

    private init(root: JSONNode) {
        self.root = root
    }

    private mutating func run() {
        guard let members = root.members else { return report(root, "The manifest must be a JSON object.") }
        for member in members where !Self.keys.contains(member.key) && !member.key.hasPrefix("x-") {
            report(member.value, "\(member.key) is no field of a manifest; own fields begin with \"x-\".")
        }
        checkIdentity()
        let kinds = strings(root, "kinds", required: true, nonEmpty: true, allowed: Self.kinds)
        checkFormats(isRequired: kinds.contains("format"))
        let speaks = strings(root, "speaks", required: kinds.contains("platform"), nonEmpty: true)
        for format in speaks where !isFormatID(format) { reportFormatID("speaks", format, at: root["speaks"]) }
        checkConfiguration()
        checkCredentials()
        checkOperations(isNotifier: kinds.contains("notifier"))
        checkPermissions()
    }

    private mutating func checkIdentity() {
        if let id = text(root, "id", required: true), !isPluginID(id) {
            report(
                root["id"],
                "id: \"\(id)\" must be lower-case letters, digits and hyphens, begin with a letter, at most 64.")
        }
        if let version = text(root, "version", required: true), !isVersion(version) {
            report(root["version"], "version: \"\(version)\" must be three numbers with dots, such as 1.0.0.")
        }
        for key in ["name"] { _ = text(root, key, required: true) }
        for key in ["license", "description", "homepage"] { _ = text(root, key) }
        guard let entry = root["entry"] else { return }
        guard entry.members != nil else { return report(entry, "entry must be an object with the member type.") }
        if let type = text(entry, "type", in: "entry.", required: true), !isTypeName(type) {
            report(entry["type"], "entry.type: \"\(type)\" must be the name of a Swift type.")
        }
    }

    private mutating func checkFormats(isRequired: Bool) {
        for (index, format) in objects("formats", required: isRequired).enumerated() {
            let place = "formats[\(index)]."
            if let id = text(format, "id", in: place, required: true), !isFormatID(id) {
                reportFormatID(place + "id", id, at: format["id"])
            }
            oneOf(format, "framing", in: place, Self.framings, required: true)
            for path in strings(format, "paths", in: place) where !path.hasPrefix("/") || path.contains("?") {
                report(format["paths"], "\(place)paths: \"\(path)\" must begin with a slash and have no query.")
            }
            for name in strings(format, "operations", in: place) where !isOperationName(name) {
                report(
                    format["operations"],
                    "\(place)operations: \"\(name)\" must be words of a-z, 0-9 and _ with dots.")
            }
        }
    }

    private mutating func checkConfiguration() {
        guard let schema = root["config"] else { return }
        guard schema.members != nil else { return report(schema, "config must be a JSON Schema, an object.") }
        if schema["type"]?.string != "object" {
            report(schema, "config.type must be \"object\", because a configuration is an object.")
        }
    }

    private mutating func checkCredentials() {
        for (index, credential) in objects("credentials").enumerated() {
            let place = "credentials[\(index)]."
            if let kind = text(credential, "kind", in: place, required: true), !isWord(kind) {
                report(credential["kind"], "\(place)kind: \"\(kind)\" must be lower-case letters, digits and _.")
            }
            for key in ["secrets", "fields"] {
                for name in strings(credential, key, in: place) where !isWord(name) {
                    report(credential[key], "\(place)\(key): \"\(name)\" must be lower-case letters, digits and _.")
                }
            }
        }
    }

    private mutating func checkOperations(isNotifier: Bool) {
        var seen: Set<String> = []
        for (index, operation) in objects("operations").enumerated() {
            let place = "operations[\(index)]."
            if let name = text(operation, "name", in: place, required: true) {
                if !isOperationName(name) {
                    report(operation["name"], "\(place)name: \"\(name)\" must be words of a-z, 0-9 and _ with dots.")
                }
                if !seen.insert(name).inserted {
                    report(operation["name"], "\(place)name: \"\(name)\" is listed twice.")
                }
            }
            oneOf(operation, "mode", in: place, ["async", "blocking"])
            if let timeout = operation["timeout_ms"] {
                let value = timeout.number ?? -1
                if value < 1 || value > 3_600_000 || value != value.rounded() {
                    report(timeout, "\(place)timeout_ms must be a whole number from 1 to 3600000.")
                }
            }
        }
        if isNotifier, !seen.contains("notify.send") {
            report(root["operations"], "operations must list notify.send, because kinds has notifier.")
        }
    }
}

extension ManifestCheck {
    fileprivate mutating func checkPermissions() {
        let rule = "must be secrets.reveal or net: and an origin, such as net:https://api.example.com."
        for (index, permission) in strings(root, "permissions").enumerated() {
            let isOrigin = permission.hasPrefix("net:https://") || permission.hasPrefix("net:http://")
            guard permission != "secrets.reveal", !isOrigin else { continue }
            report(root["permissions"]?.array?[index], "permissions[\(index)]: \"\(permission)\" \(rule)")
        }
    }
}

/// All problems of a manifest.
struct Problems: Error {
    var list: [Problem]
}

// MARK: - Fields

extension ManifestCheck {
    fileprivate mutating func report(_ node: JSONNode?, _ sentence: String) {
        problems.append(Problem(offset: (node ?? root).offset, sentence: sentence))
    }

    fileprivate mutating func reportFormatID(_ place: String, _ id: String, at node: JSONNode?) {
        report(node, "\(place): \"\(id)\" must be words of a-z, 0-9, - and _ with dots, such as openai.chat.")
    }

    fileprivate mutating func text(
        _ object: JSONNode, _ key: String, in place: String = "", required: Bool = false
    ) -> String? {
        guard let node = object[key] else {
            if required { report(object, "\(place)\(key) is missing.") }
            return nil
        }
        guard let text = node.string, !text.isEmpty else {
            report(node, "\(place)\(key) must be a string that is not empty.")
            return nil
        }
        return text
    }

    fileprivate mutating func oneOf(
        _ object: JSONNode, _ key: String, in place: String, _ allowed: [String], required: Bool = false
    ) {
        guard let value = text(object, key, in: place, required: required), !allowed.contains(value) else { return }
        report(object[key], "\(place)\(key): \"\(value)\" must be one of \(allowed.joined(separator: ", ")).")
    }

    fileprivate mutating func strings(
        _ object: JSONNode, _ key: String, in place: String = "", required: Bool = false, nonEmpty: Bool = false,
        allowed: [String]? = nil
    ) -> [String] {
        guard let node = object[key] else {
            if required { report(object, "\(place)\(key) is missing.") }
            return []
        }
        guard let nodes = node.array, !(nonEmpty && nodes.isEmpty), nodes.allSatisfy({ $0.string?.isEmpty == false })
        else {
            report(node, "\(place)\(key) must be an array of strings\(nonEmpty ? " that is not empty" : "").")
            return []
        }
        let values = nodes.compactMap(\.string)
        for (index, value) in values.enumerated() where allowed?.contains(value) == false {
            let choice = allowed?.joined(separator: ", ") ?? ""
            report(nodes[index], "\(place)\(key)[\(index)]: \"\(value)\" must be one of \(choice).")
        }
        return values
    }

    fileprivate mutating func objects(_ key: String, required: Bool = false) -> [JSONNode] {
        guard let node = root[key] else {
            if required { report(root, "\(key) is missing.") }
            return []
        }
        guard let nodes = node.array, nodes.allSatisfy({ $0.members != nil }), !(required && nodes.isEmpty) else {
            report(node, "\(key) must be an array of objects\(required ? " that is not empty" : "").")
            return []
        }
        return nodes
    }
}
