#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Finds the parts of a body of `multipart/form-data`, whatever pieces it arrives in.
///
/// Rules: RFC 2046 section 5.1 for the boundaries, RFC 7578 for the headers. Lines end with CRLF. A boundary line holds
/// the boundary, blanks and nothing else: what two readers could understand differently is refused. Contents are never
/// copied; ranges count bytes from the start of the body, so a range may begin in an earlier chunk.
///
///     var position = 0
///     while let event = try parser.next(in: chunk, at: &position) { … }
package struct MultipartParser: Sendable {
    package enum Event: Sendable, Hashable {
        /// A part begins; its headers are in ``MultipartParser/part``.
        case partBegan
        /// So much of the content of the current part, never empty.
        case data(Range<Int>)
        case partEnded
        /// The closing boundary; what follows it means nothing.
        case ended
    }

    private enum State: Sendable, Hashable {
        /// Before the first boundary.
        case preamble
        /// Behind the boundary of a boundary line.
        case delimiter
        /// The same, behind the first of two hyphens.
        case closing
        case padding
        /// Behind the CR of a boundary line.
        case lineEnd
        case headers
        case data
        case epilogue
    }

    package let limits: MultipartLimits
    /// The headers of the current part.
    package private(set) var part = MultipartPart()
    /// Where the line of the first boundary begins; nil = it has not come.
    package private(set) var firstDelimiter: Int?
    /// CRLF, two hyphens and the boundary.
    private let delimiter: [UInt8]
    private var state = State.preamble
    /// So many bytes of `delimiter` stand right before the place that is read next. A body may begin with the boundary,
    /// as if a line end stood before it.
    private var matched = 2
    /// Offset of the current chunk in the body.
    private var chunkOffset = 0
    /// Where content that has not been reported begins.
    private var dataStart = 0
    private var fill = 0
    private var partCount = 0
    private var header: [UInt8] = []
    private var headerLines = 0
    /// The second of two events that one byte causes.
    private var queued: Event?
    private var failure: MultipartError?

    /// - Parameter boundary: as ``boundary(ofContentType:)`` gives it.
    package init(boundary: [UInt8], limits: MultipartLimits = MultipartLimits()) {
        delimiter = Array("\r\n--".utf8) + boundary
        self.limits = limits
    }

    /// The next event; nil when the rest of the chunk has been read.
    ///
    /// - Parameter position: where to read on; begin each chunk with 0.
    /// - Throws: at the first broken rule, and at every later call.
    package mutating func next(
        in chunk: UnsafeRawBufferPointer, at position: inout Int
    ) throws(MultipartError) -> Event? {
        if let failure { throw failure }
        if let event = queued {
            queued = nil
            return event
        }
        while position < chunk.count {
            if let event = try step(chunk, &position) { return event }
        }
        chunkOffset += chunk.count
        position = 0
        return nil
    }

    /// Call once at the end of the body.
    ///
    /// - Throws: if the closing boundary has not come.
    package mutating func finish() throws(MultipartError) {
        if let failure { throw failure }
        guard state == .epilogue else { throw fail(.truncated, at: chunkOffset) }
    }

    private mutating func fail(_ code: MultipartError.Code, at offset: Int) -> MultipartError {
        let error = MultipartError(code, offset: offset)
        failure = error
        header = []
        return error
    }

    // MARK: - Steps

    private mutating func step(
        _ chunk: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(MultipartError) -> Event? {
        switch state {
        case .preamble: try skipPreamble(chunk, &position)
        case .data: return try readData(chunk, &position)
        case .headers: return try readHeaders(chunk, &position)
        case .epilogue: position = chunk.count
        case .delimiter, .closing, .padding, .lineEnd:
            let offset = chunkOffset + position
            let byte = chunk[position]
            position += 1
            return try readDelimiterLine(byte, offset)
        }
        return nil
    }

    private mutating func skipPreamble(
        _ chunk: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(MultipartError) {
        let isFound = search(chunk, &position)
        let end = chunkOffset + position - (isFound ? delimiter.count : matched)
        guard end <= limits.fillBytes else { throw fail(.preambleTooLong, at: end) }
        guard isFound else { return }
        firstDelimiter = max(0, end + 2)
        state = .delimiter
    }

    private mutating func readData(
        _ chunk: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(MultipartError) -> Event? {
        let isFound = search(chunk, &position)
        let end = chunkOffset + position - (isFound ? delimiter.count : matched)
        guard !isFound || end >= dataStart else { throw fail(.badDelimiter, at: dataStart) }
        let range = dataStart..<max(dataStart, end)
        dataStart = range.upperBound
        if isFound { state = .delimiter }
        guard !range.isEmpty else { return isFound ? .partEnded : nil }
        if isFound { queued = .partEnded }
        return .data(range)
    }

    /// Reads on to the end of the next delimiter, or to the end of the chunk. True if a delimiter was completed.
    ///
    /// The only CR of a delimiter is its first byte, so after a mismatch nothing but the mismatched byte itself can be
    /// the beginning of another.
    private mutating func search(_ chunk: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        guard let base = chunk.baseAddress else { return false }
        while position < chunk.count {
            if matched > 0 {
                guard chunk[position] == delimiter[matched] else {
                    matched = 0
                    continue
                }
                matched += 1
                position += 1
                guard matched == delimiter.count else { continue }
                matched = 0
                return true
            }
            guard let found = memchr(base + position, 0x0d, chunk.count - position) else {
                position = chunk.count
                return false
            }
            position = UnsafeRawPointer(found) - base + 1
            matched = 1
        }
        return false
    }

    private mutating func readDelimiterLine(_ byte: UInt8, _ offset: Int) throws(MultipartError) -> Event? {
        switch (state, byte) {
        case (.delimiter, UInt8(ascii: "-")): state = .closing
        case (.closing, UInt8(ascii: "-")):
            state = .epilogue
            return .ended
        case (.delimiter, 0x20), (.delimiter, 0x09), (.padding, 0x20), (.padding, 0x09):
            if state == .delimiter { fill = 0 }
            state = .padding
            fill += 1
            guard fill <= limits.fillBytes else { throw fail(.badDelimiter, at: offset) }
        case (.delimiter, 0x0d), (.padding, 0x0d): state = .lineEnd
        case (.lineEnd, 0x0a):
            partCount += 1
            guard partCount <= limits.parts else { throw fail(.tooManyParts, at: offset) }
            header.removeAll(keepingCapacity: true)
            headerLines = 0
            part = MultipartPart()
            state = .headers
        default: throw fail(.badDelimiter, at: offset)
        }
        return nil
    }

    /// Reads one header line, or what the chunk holds of it.
    private mutating func readHeaders(
        _ chunk: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(MultipartError) -> Event? {
        let rest = UnsafeRawBufferPointer(rebasing: chunk[position...])
        let length = rest.firstIndex(of: 0x0a).map { $0 + 1 }
        let taken = rest.prefix(length ?? rest.count)
        let offset = chunkOffset + position
        guard part.headerBytes + taken.count <= limits.headerBytes else { throw fail(.headerTooLong, at: offset) }
        part.headerBytes += taken.count
        header.append(contentsOf: taken)
        position += taken.count
        guard length != nil else { return nil }
        guard header.count >= 2, header[header.count - 2] == 0x0d else { throw fail(.badHeader, at: offset) }
        header.removeLast(2)
        defer { header.removeAll(keepingCapacity: true) }
        guard header.isEmpty else {
            headerLines += 1
            guard headerLines <= limits.headers else { throw fail(.tooManyHeaders, at: offset) }
            guard part.take(line: header) else { throw fail(.badHeader, at: offset) }
            return nil
        }
        guard part.hasName else { throw fail(.missingName, at: offset) }
        dataStart = chunkOffset + position
        // A boundary right here would be one by the grammar, with no content before it, but not to many readers. It
        // is looked for so that it can be refused.
        matched = 2
        state = .data
        return .partBegan
    }
}
