// The first byte chooses the parser, the next two where the input is split; the rest is the input. Whatever the parser
// decides about the whole must also be its decision about the two halves.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count >= 3 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 3, count: count - 3))
    let split = (Int(start[1]) << 8 | Int(start[2])) % (input.count + 1)
    switch start[0] % 4 {
    case 0: check(RequestOutcome(input, [input.count]), RequestOutcome(input, [split, input.count]))
    case 1: check(ResponseOutcome(input, [input.count], false), ResponseOutcome(input, [split, input.count], false))
    case 2: check(ResponseOutcome(input, [input.count], true), ResponseOutcome(input, [split, input.count], true))
    default: check(ChunkOutcome(input, [input.count]), ChunkOutcome(input, [split, input.count]))
    }
    return 0
}

private func check<Outcome: Equatable>(_ whole: Outcome, _ parts: Outcome) {
    precondition(whole == parts, "the decision depends on how the bytes arrive")
}

/// Limits small enough for the fuzzer to reach.
private let limits = HTTPLimits(headBytes: 2_048, fields: 16, targetBytes: 512)

private func copies(_ input: [UInt8], _ end: Int, _ body: (UnsafeRawBufferPointer) -> Bool) -> Bool {
    // An allocation of exactly this size, so that the address sanitizer sees a read behind its end.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: end, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: input[..<end])
    return body(UnsafeRawBufferPointer(copy))
}

private func inside(_ span: ByteSpan, _ length: Int) {
    precondition(span.start >= 0 && span.count >= 0 && span.end <= length, "a span leaves the head")
}

private func inside(_ fields: ContiguousArray<HTTPField>, _ bytes: UnsafeRawBufferPointer, _ length: Int) -> [String] {
    precondition(fields.count <= limits.fields, "too many fields")
    return fields.map { field in
        inside(field.name, length)
        inside(field.value, length)
        precondition(HTTPKnownName(name: field.name.bytes(in: bytes)) == field.known, "the name is another one")
        for byte in field.value.bytes(in: bytes) where byte == 0 || byte == 10 || byte == 13 {
            preconditionFailure("a value contains a line ending")
        }
        return "\(field.name.text(in: bytes)):\(field.value.text(in: bytes))"
    }
}

private struct RequestOutcome: Equatable {
    var length: Int?
    var isRefused = false
    var parts: [String] = []

    init(_ input: [UInt8], _ ends: [Int]) {
        var parser = HTTPRequestHeadParser(limits: limits)
        var head = HTTPRequestHead()
        for end in ends where copies(input, end, { parse($0, &parser, &head) }) { return }
    }

    /// Returns true at a decision.
    private mutating func parse(
        _ bytes: UnsafeRawBufferPointer, _ parser: inout HTTPRequestHeadParser, _ head: inout HTTPRequestHead
    ) -> Bool {
        do throws(HTTPParseError) {
            guard let length = try parser.parse(bytes, into: &head) else { return false }
            precondition(length <= bytes.count && length <= limits.headBytes, "the head is longer than allowed")
            precondition(head.framing != .untilClose, "a request body has an end")
            for span in [head.methodSpan, head.target, head.path, head.query ?? .empty] { inside(span, length) }
            precondition(!head.path.isEmpty, "every request has a path")
            self.length = length
            parts = inside(head.fields, bytes, length)
            parts += ["\(head.method)", head.path.text(in: bytes), "\(head.framing)", "\(head.keepAlive)"]
        } catch { isRefused = true }
        return true
    }
}

private struct ResponseOutcome: Equatable {
    var length: Int?
    var isRefused = false
    var parts: [String] = []

    init(_ input: [UInt8], _ ends: [Int], _ isHead: Bool) {
        var parser = HTTPResponseHeadParser(limits: limits, requestMethodIsHead: isHead)
        var head = HTTPResponseHead()
        for end in ends where copies(input, end, { parse($0, &parser, &head) }) { return }
    }

    private mutating func parse(
        _ bytes: UnsafeRawBufferPointer, _ parser: inout HTTPResponseHeadParser, _ head: inout HTTPResponseHead
    ) -> Bool {
        do throws(HTTPParseError) {
            guard let length = try parser.parse(bytes, into: &head) else { return false }
            precondition(length <= bytes.count && length <= limits.headBytes, "the head is longer than allowed")
            precondition(100...999 ~= head.status, "a status has three digits")
            self.length = length
            parts = inside(head.fields, bytes, length) + ["\(head.status)", "\(head.framing)", "\(head.keepAlive)"]
        } catch { isRefused = true }
        return true
    }
}

private struct ChunkOutcome: Equatable {
    var body: [UInt8] = []
    var consumed = 0
    var isComplete = false
    var isRefused = false

    init(_ input: [UInt8], _ ends: [Int]) {
        var decoder = HTTPChunkedDecoder()
        for end in ends {
            let start = consumed
            let rest = Array(input[start..<max(start, end)])
            if copies(rest, rest.count, { decode($0, &decoder) }) { return }
        }
    }

    private mutating func decode(_ bytes: UnsafeRawBufferPointer, _ decoder: inout HTTPChunkedDecoder) -> Bool {
        var position = 0
        do throws(HTTPParseError) {
            while true {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
                switch try decoder.decode(rest) {
                case .needMore(let count):
                    precondition(count == rest.count, "bytes are left over")
                    consumed += count
                    return false
                case .data(let range, let count):
                    precondition(
                        !range.isEmpty && range.upperBound <= count && count <= rest.count, "a piece is no piece")
                    body += rest[range]
                    position += count
                    consumed += count
                case .end(let count):
                    consumed += count
                    isComplete = true
                    return true
                }
            }
        } catch {
            isRefused = true
            // What had been delivered before the refusal depends on the split; the refusal does not.
            consumed = 0
            return true
        }
    }
}
