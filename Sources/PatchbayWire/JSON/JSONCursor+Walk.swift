/// Receives the tokens of one value in document order. Offsets are byte offsets of the document.
protocol JSONSink {
    mutating func open(_ kind: JSONKind, at start: Int)
    mutating func close(before end: Int)
    mutating func key(from start: Int, to end: Int, hasEscapes: Bool)
    mutating func scalar(_ kind: JSONKind, from start: Int, to end: Int, hasEscapes: Bool)
}

/// Checks without keeping anything.
struct JSONSilentSink: JSONSink {
    @inline(__always) mutating func open(_ kind: JSONKind, at start: Int) {}
    @inline(__always) mutating func close(before end: Int) {}
    @inline(__always) mutating func key(from start: Int, to end: Int, hasEscapes: Bool) {}
    @inline(__always)
    mutating func scalar(_ kind: JSONKind, from start: Int, to end: Int, hasEscapes: Bool) {}
}

/// The open containers, one bit each (1 = object), so that a walk needs neither recursion nor memory.
struct JSONNesting {
    /// More levels than this cannot be counted; every depth bound is clamped to it.
    static let maxDepth = 128

    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private(set) var depth = 0

    @inline(__always)
    mutating func push(isObject: Bool) {
        high = high &<< 1 | low &>> 63
        low = low &<< 1 | (isObject ? 1 : 0)
        depth += 1
    }

    @inline(__always)
    mutating func pop() {
        low = low &>> 1 | high &<< 63
        high = high &>> 1
        depth -= 1
    }

    @inline(__always) var isObject: Bool { low & 1 == 1 }
}

extension JSONCursor {
    /// Reads the value at the position, white space before it allowed, and hands its tokens to `sink`.
    ///
    /// The only place that knows the grammar of nested values.
    @inline(__always)
    mutating func walk<Sink: JSONSink>(_ sink: inout Sink, maxDepth: Int) throws(JSONError) {
        let maxDepth = min(maxDepth, JSONNesting.maxDepth)
        var nesting = JSONNesting()
        while true {
            let byte = try nextByte()
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                let isObject = byte == UInt8(ascii: "{")
                guard nesting.depth < maxDepth else { throw JSONError(.tooDeep, at: position) }
                sink.open(isObject ? .object : .array, at: position)
                nesting.push(isObject: isObject)
                position += 1
                // In ASCII each closing bracket is its opening one plus two.
                if try nextByte() != byte &+ 2 {
                    if isObject { try walkKey(&sink) }
                    continue
                }
            } else {
                let start = position
                var hasEscapes = false
                let kind = try skipScalar(byte, hasEscapes: &hasEscapes)
                sink.scalar(kind, from: start, to: position, hasEscapes: hasEscapes)
            }
            if try walkClosings(&sink, &nesting) { return }
        }
    }

    /// After a value: closes what ends here and steps over the comma. True when the outermost value is complete.
    @inline(__always)
    private mutating func walkClosings<Sink: JSONSink>(
        _ sink: inout Sink, _ nesting: inout JSONNesting
    ) throws(JSONError) -> Bool {
        while nesting.depth > 0 {
            let byte = try nextByte()
            if byte == UInt8(ascii: ",") {
                position += 1
                if nesting.isObject {
                    _ = try nextByte()
                    try walkKey(&sink)
                }
                return false
            }
            guard byte == (nesting.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw JSONError(.unexpectedByte, at: position)
            }
            position += 1
            sink.close(before: position)
            nesting.pop()
        }
        return true
    }

    @inline(__always)
    private mutating func walkKey<Sink: JSONSink>(_ sink: inout Sink) throws(JSONError) {
        guard base[position] == JSONBytes.quote else { throw JSONError(.unexpectedByte, at: position) }
        let start = position
        let hasEscapes = try skipString()
        sink.key(from: start, to: position, hasEscapes: hasEscapes)
        guard try nextByte() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
    }

    /// Skips one value of any kind, white space before it allowed.
    ///
    /// - Parameter hasEscapes: set to true for a string with escapes, else left alone.
    @inline(__always)
    mutating func skipValue(maxDepth: Int, hasEscapes: inout Bool) throws(JSONError) -> JSONKind {
        let byte = try nextByte()
        switch byte {
        case UInt8(ascii: "{"):
            try skipContainer(maxDepth: maxDepth)
            return .object
        case UInt8(ascii: "["):
            try skipContainer(maxDepth: maxDepth)
            return .array
        default:
            return try skipScalar(byte, hasEscapes: &hasEscapes)
        }
    }

    @inline(never)
    private mutating func skipContainer(maxDepth: Int) throws(JSONError) {
        var sink = JSONSilentSink()
        try walk(&sink, maxDepth: maxDepth)
    }

    /// Whether `bytes` are exactly one JSON value.
    static func isValue(_ bytes: UnsafeRawBufferPointer, maxDepth: Int) -> Bool {
        do throws(JSONError) {
            var cursor = try JSONCursor(bytes)
            var hasEscapes = false
            _ = try cursor.skipValue(maxDepth: maxDepth, hasEscapes: &hasEscapes)
            try cursor.expectEnd()
            return true
        } catch {
            return false
        }
    }
}
