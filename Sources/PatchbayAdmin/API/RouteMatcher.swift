/// Finds the operation of a method and a path.
struct RouteMatcher: Sendable {
    private struct Entry: Sendable {
        var segments: [PathSegment]
        var index: Int
    }

    enum Result: Sendable {
        case found(AdminRoute, parameters: [String: String])
        /// The path exists for these methods only.
        case otherMethods([AdminMethod])
        case none
    }

    let routes: [AdminRoute]
    private let entries: [Entry]

    init(_ routes: [AdminRoute]) {
        self.routes = routes
        // Literal paths win over parameters, whatever the order of definition.
        entries = routes.enumerated().map { Entry(segments: $1.segments, index: $0) }.sorted {
            $0.segments.count { segment in isParameter(segment) }
                < $1.segments.count { segment in isParameter(segment) }
        }
    }

    /// - Parameter path: Percent-encoded. Segments are decoded after the path has been split, so that `%2F` does not
    ///   split it; for a parameter at the end `a%2Fb` and `a/b` are the same.
    func match(_ method: String, path: String) -> Result {
        guard let parts = PercentEncoding.segments(of: path) else { return .none }
        var others: Set<AdminMethod> = []
        for entry in entries {
            guard let parameters = match(entry.segments, parts) else { continue }
            let route = routes[entry.index]
            if route.method.rawValue == method { return .found(route, parameters: parameters) }
            others.insert(route.method)
        }
        return others.isEmpty ? .none : .otherMethods(others.sorted { $0.rawValue < $1.rawValue })
    }

    private func match(_ segments: [PathSegment], _ parts: [String]) -> [String: String]? {
        guard parts.count >= segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (index, segment) in segments.enumerated() {
            switch segment {
            case .literal(let text):
                guard parts[index] == text else { return nil }
            case .parameter(let name):
                let value = index == segments.count - 1 ? parts[index...].joined(separator: "/") : parts[index]
                guard !value.isEmpty else { return nil }
                parameters[name] = value
                if index == segments.count - 1 { return parameters }
            }
        }
        return parts.count == segments.count ? parameters : nil
    }
}

private func isParameter(_ segment: PathSegment) -> Bool {
    if case .parameter = segment { true } else { false }
}

/// Percent-encoding of RFC 3986 in paths and queries.
enum PercentEncoding {
    /// The decoded segments of a path; nil if it is not valid.
    static func segments(of path: String) -> [String]? {
        guard path.hasPrefix("/") else { return nil }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = decode(part) else { return nil }
            segments.append(decoded)
        }
        return segments
    }

    /// The pairs of a query, in order; nil if it is not valid. `+` is a space.
    static func pairs(of query: String) -> [(name: String, value: String)]? {
        var pairs: [(name: String, value: String)] = []
        for part in query.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(halves[0], plusIsSpace: true),
                let value = halves.count == 2 ? decode(halves[1], plusIsSpace: true) : ""
            else { return nil }
            pairs.append((name: name, value: value))
        }
        return pairs
    }

    /// Nil for a broken escape, for bytes that are not UTF-8 and for NUL.
    static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}
