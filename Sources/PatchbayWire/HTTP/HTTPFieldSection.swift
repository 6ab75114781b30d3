/// Parses the field lines of a complete head and collects what decides framing and connection use.
///
/// The head is known to end with CRLF CRLF and to contain no LF without CR, so every scan stops inside it.
struct HTTPFieldSection {
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var host: ByteSpan?
    private(set) var close = false
    private(set) var keepAlive = false
    private(set) var expectsContinue = false
    private(set) var hasUnknownExpectation = false

    /// - Parameters:
    ///   - bytes: the whole head, including its final empty line.
    ///   - start: offset of the first field line.
    mutating func parse(
        _ bytes: UnsafeRawBufferPointer, from start: Int, limit: Int, into fields: inout ContiguousArray<HTTPField>
    ) throws(HTTPParseError) {
        guard let base = bytes.baseAddress else { return }
        fields.removeAll(keepingCapacity: true)
        var position = start
        let end = bytes.count - 2
        while position < end {
            guard fields.count < limit else { throw HTTPParseError(.tooManyFields) }
            let field = try Self.parseField(base, &position, bytes.count)
            fields.append(field)
            if field.known != .other { try note(field, base) }
        }
    }

    private static func parseField(
        _ base: UnsafeRawPointer, _ position: inout Int, _ end: Int
    ) throws(HTTPParseError) -> HTTPField {
        let nameStart = position
        while HTTPCharacters.token.contains(base.byte(position)) { position += 1 }
        let nameCount = position - nameStart
        guard nameCount > 0, base.byte(position) == ASCII.colon else {
            throw HTTPParseError(nameFailure(base, at: position, nameCount: nameCount))
        }
        position += 1
        while ASCII.isBlank(base.byte(position)) { position += 1 }
        let valueStart = position
        position = endOfValue(base, from: position, end: end)
        guard base.byte(position) == ASCII.carriageReturn else { throw HTTPParseError(.invalidFieldValue) }
        guard base.byte(position + 1) == ASCII.lineFeed else { throw HTTPParseError(.bareCarriageReturn) }
        var valueEnd = position
        while valueEnd > valueStart, ASCII.isBlank(base.byte(valueEnd - 1)) { valueEnd -= 1 }
        position += 2
        return HTTPField(
            name: ByteSpan(start: nameStart, count: nameCount),
            value: ByteSpan(start: valueStart, count: valueEnd - valueStart),
            known: HTTPKnownName.lookup(base + nameStart, nameCount))
    }

    private static func nameFailure(
        _ base: UnsafeRawPointer, at position: Int, nameCount: Int
    ) -> HTTPParseError.Code {
        let byte = base.byte(position)
        if byte == ASCII.carriageReturn, base.byte(position + 1) != ASCII.lineFeed { return .bareCarriageReturn }
        return nameCount == 0 && ASCII.isBlank(byte) ? .obsoleteFolding : .invalidFieldName
    }

    /// The first byte that is a control character other than a tab, looked for eight bytes at a time.
    @inline(__always)
    private static func endOfValue(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var position = start
        while position + 8 <= end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            // Bit 7 of a byte is set in `below` if the byte is under 0x20, in `delete` if it is 0x7F. Either may also
            // mark bytes above a hit, so that only the first mark counts.
            let below = (word &- 0x2020_2020_2020_2020) & ~word
            let flipped = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let delete = (flipped &- 0x0101_0101_0101_0101) & ~flipped
            let marks = (below | delete) & 0x8080_8080_8080_8080
            guard marks != 0 else {
                position += 8
                continue
            }
            position += marks.trailingZeroBitCount >> 3
            guard base.byte(position) == ASCII.tab else { return position }
            position += 1
        }
        while true {
            let byte = base.byte(position)
            if byte < 0x20 ? byte != ASCII.tab : byte == 0x7F { return position }
            position += 1
        }
    }
}

extension HTTPFieldSection {
    private mutating func note(_ field: HTTPField, _ base: UnsafeRawPointer) throws(HTTPParseError) {
        let value = UnsafeRawBufferPointer(start: base + Int(field.value.start), count: Int(field.value.count))
        switch field.known {
        case .contentLength:
            guard contentLength == nil else { throw HTTPParseError(.conflictingLength) }
            contentLength = try Self.decimal(value)
        case .transferEncoding:
            guard !isChunked, value.equalsIgnoringCase("chunked") else { throw HTTPParseError(.invalidEncoding) }
            isChunked = true
        case .host:
            guard host == nil else { throw HTTPParseError(.duplicateHost) }
            host = field.value
        case .connection:
            noteConnection(value)
        case .expect:
            if value.equalsIgnoringCase("100-continue") { expectsContinue = true } else { hasUnknownExpectation = true }
        default: break
        }
    }

    /// Content-Length = 1*DIGIT (RFC 9110 section 8.6), at most 18 digits.
    private static func decimal(_ digits: UnsafeRawBufferPointer) throws(HTTPParseError) -> Int {
        guard 1...18 ~= digits.count else { throw HTTPParseError(.invalidLength) }
        var number = 0
        for digit in digits {
            guard ASCII.isDigit(digit) else { throw HTTPParseError(.invalidLength) }
            number = number * 10 + Int(digit &- ASCII.zero)
        }
        return number
    }

    /// Connection = #token (RFC 9110 section 7.6.1); other tokens than these two mean nothing here.
    private mutating func noteConnection(_ value: UnsafeRawBufferPointer) {
        var rest = value[...]
        while !rest.isEmpty {
            let comma = rest.firstIndex(of: ASCII.comma) ?? rest.endIndex
            var token = rest[..<comma]
            while let first = token.first, ASCII.isBlank(first) { token = token.dropFirst() }
            while let last = token.last, ASCII.isBlank(last) { token = token.dropLast() }
            let bytes = UnsafeRawBufferPointer(rebasing: token)
            if bytes.equalsIgnoringCase("close") { close = true }
            if bytes.equalsIgnoringCase("keep-alive") { keepAlive = true }
            rest = comma == rest.endIndex ? rest[rest.endIndex...] : rest[(comma + 1)...]
        }
    }

    /// Whether the connection persists after the message (RFC 9112 section 9.3).
    func persists(minorVersion: UInt8) -> Bool {
        !close && (minorVersion == 1 || keepAlive)
    }

    /// The framing that the length and encoding fields state; nil if neither is there.
    func framing(minorVersion: UInt8) throws(HTTPParseError) -> HTTPBodyFraming? {
        guard isChunked else { return contentLength.map { .length($0) } }
        guard contentLength == nil else { throw HTTPParseError(.lengthAndEncoding) }
        guard minorVersion == 1 else { throw HTTPParseError(.encodingInOldVersion) }
        return .chunked
    }
}

extension UnsafeRawPointer {
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes are `name` in any case; see ``UnsafeRawPointer/equalsIgnoringCase(_:count:)``.
    func equalsIgnoringCase(_ name: StaticString) -> Bool {
        guard let baseAddress, count == name.utf8CodeUnitCount else { return false }
        return baseAddress.equalsIgnoringCase(name, count: count)
    }
}
