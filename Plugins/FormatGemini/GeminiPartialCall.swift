import CanonicalChat
import PatchbayWire

/// Puts together a call whose arguments come as values for JSON paths.
///
/// Nothing of it is shown before it is complete, so that no half call looks like a whole one.
struct GeminiPartialCall {
    private var id = ""
    private var name = ""
    private var signature: String?
    private var arguments = JSONValue.emptyObject
    private(set) var isComplete = false
    private var size = 0
    /// Bytes of values and paths of one call.
    private static let maximumBytes = 16 << 20
    private static let maximumDepth = 64
    private static let maximumIndex = 100_000

    static func isPiece(_ wire: JSONValue) -> Bool {
        wire["partialArgs"] != nil || wire["willContinue"]?.boolValue == true
    }

    /// Takes one piece. False if it cannot be placed.
    mutating func take(_ wire: JSONValue, signature: String?) -> Bool {
        if let text = wire["id"]?.stringValue, !text.isEmpty { id = text }
        if let text = wire["name"]?.stringValue, !text.isEmpty { name = text }
        if let signature, !signature.isEmpty { self.signature = signature }
        if let whole = wire["args"]?.objectValue { for member in whole { set([.name(member.key)], member.value) } }
        for piece in wire["partialArgs"]?.arrayValue ?? [] {
            guard let path = Self.path(piece["jsonPath"]?.stringValue ?? ""), place(piece, at: path) else {
                return false
            }
        }
        isComplete = wire["willContinue"]?.boolValue != true
        return !isComplete || !name.isEmpty
    }

    /// The whole call, after the signature of the thought that led to it.
    var parts: [CanonicalPart] {
        let call = CanonicalToolCall(id: id, name: name, arguments: arguments.description)
        return (signature.map { [CanonicalPart(.reasoning(GeminiSignature.read($0)))] } ?? [])
            + [CanonicalPart(.toolCall(call))]
    }

    // MARK: - Values

    private enum Step {
        case name(String)
        case index(Int)
    }

    private mutating func place(_ piece: JSONValue, at path: [Step]) -> Bool {
        if let text = piece["stringValue"]?.stringValue {
            size += text.utf8.count + 32
            guard size <= Self.maximumBytes else { return false }
            let before = value(at: path)?.stringValue ?? ""
            set(path, .string(before + text))
        } else if let number = piece["numberValue"]?.nonNull {
            set(path, number)
        } else if let flag = piece["boolValue"]?.boolValue {
            set(path, .bool(flag))
        } else if piece["nullValue"] != nil {
            set(path, .null)
        }
        return true
    }

    private func value(at path: [Step]) -> JSONValue? {
        var value: JSONValue? = arguments
        for step in path {
            switch step {
            case .name(let name): value = value?[name]
            case .index(let index): value = value?[index]
            }
        }
        return value
    }

    private mutating func set(_ path: [Step], _ value: JSONValue) {
        Self.set(&arguments, path[...], value)
    }

    private static func set(_ target: inout JSONValue, _ path: ArraySlice<Step>, _ value: JSONValue) {
        guard let step = path.first else {
            target = value
            return
        }
        switch step {
        case .name(let name):
            var members = target.objectValue ?? JSONObject()
            var inner = members[name] ?? .null
            set(&inner, path.dropFirst(), value)
            members[name] = inner
            target = .object(members)
        case .index(let index):
            var items = target.arrayValue ?? []
            while items.count <= index { items.append(.null) }
            set(&items[index], path.dropFirst(), value)
            target = .array(items)
        }
    }

    /// A path such as `$.items[0].name` or `$['a b']`.
    private static func path(_ text: String) -> [Step]? {
        guard text.first == "$" else { return nil }
        var steps: [Step] = []
        var rest = text.dropFirst()
        while let first = rest.first {
            guard steps.count < maximumDepth else { return nil }
            rest = rest.dropFirst()
            if first == "." {
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard !name.isEmpty else { return nil }
                steps.append(.name(String(name)))
                rest = rest[name.endIndex...]
            } else if first == "[", let end = rest.firstIndex(of: "]") {
                let inner = rest[..<end]
                rest = rest[rest.index(after: end)...]
                if let index = Int(inner), index >= 0, index <= maximumIndex {
                    steps.append(.index(index))
                } else if let quote = inner.first, quote == "'" || quote == "\"", inner.count >= 2, inner.last == quote {
                    steps.append(.name(String(inner.dropFirst().dropLast())))
                } else {
                    return nil
                }
            } else {
                return nil
            }
        }
        return steps.isEmpty ? nil : steps
    }
}
