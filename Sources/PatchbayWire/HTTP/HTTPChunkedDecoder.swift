/// What the decoder found in the bytes it was given. `consumed` counts from their first byte.
package enum HTTPChunkStep: Sendable, Hashable {
    /// Everything was framing; call again with the bytes that follow.
    case needMore(consumed: Int)
    /// A piece of the body; call again with the bytes after `consumed`.
    case data(Range<Int>, consumed: Int)
    /// The body and its trailer section are complete; the bytes after `consumed` belong to the next message.
    case end(consumed: Int)
}

/// A strict decoder of the chunked coding (RFC 9112 section 7.1). It copies nothing and holds no bytes: sizes are bare
/// hexadecimal digits, extensions are bounded and ignored, trailer fields are checked, bounded and discarded.
package struct HTTPChunkedDecoder: Sendable {
    private enum State: Sendable {
        case size(digits: Int)
        case chunkExtension
        case sizeLineFeed
        case data
        case dataReturn
        case dataLineFeed
        case trailerStart
        case trailerName
        case trailerValue
        case trailerLineFeed
        case endLineFeed
        case done
    }

    /// Bytes that all extensions of one body may take together.
    private static let extensionLimit = 16_384
    /// Bytes that the trailer section may take.
    private static let trailerLimit = 8_192

    private var state = State.size(digits: 0)
    private var size = 0
    /// Bytes of extensions, then of trailers, that are still tolerated.
    private var tolerance = HTTPChunkedDecoder.extensionLimit

    package init() {}

    /// Whether the final chunk and its trailers have been seen.
    package var isComplete: Bool {
        if case .done = state { true } else { false }
    }

    /// Takes bytes up to the end of the next piece of data. Never call it again after an error or the end.
    package mutating func decode(_ bytes: UnsafeRawBufferPointer) throws(HTTPParseError) -> HTTPChunkStep {
        var position = 0
        while position < bytes.count {
            switch state {
            case .data:
                let count = min(size, bytes.count - position)
                size -= count
                if size == 0 { state = .dataReturn }
                return .data(position..<(position + count), consumed: position + count)
            case .done:
                return .end(consumed: position)
            default:
                try takeFraming(bytes[position])
                position += 1
            }
        }
        return isComplete ? .end(consumed: position) : .needMore(consumed: position)
    }

    @inline(__always)
    private mutating func takeFraming(_ byte: UInt8) throws(HTTPParseError) {
        switch state {
        case .size(let digits): try takeSize(byte, digits)
        case .chunkExtension: try takeExtension(byte)
        case .sizeLineFeed:
            try require(byte == ASCII.lineFeed)
            tolerance = size == 0 ? Self.trailerLimit : tolerance
            state = size == 0 ? .trailerStart : .data
        case .dataReturn:
            try require(byte == ASCII.carriageReturn)
            state = .dataLineFeed
        case .dataLineFeed:
            try require(byte == ASCII.lineFeed)
            state = .size(digits: 0)
        default: try takeTrailer(byte)
        }
    }

    private mutating func takeSize(_ byte: UInt8, _ digits: Int) throws(HTTPParseError) {
        if let digit = ASCII.hexValue(byte) {
            // Fifteen digits cannot overflow.
            guard digits < 15 else { throw HTTPParseError(.chunkTooLarge) }
            size = (digits == 0 ? 0 : size << 4) | Int(digit)
            state = .size(digits: digits + 1)
            return
        }
        try require(digits > 0)
        if byte == ASCII.carriageReturn {
            state = .sizeLineFeed
        } else {
            try require(byte == ASCII.semicolon)
            state = .chunkExtension
        }
    }

    private mutating func takeExtension(_ byte: UInt8) throws(HTTPParseError) {
        if byte == ASCII.carriageReturn {
            state = .sizeLineFeed
            return
        }
        tolerance -= 1
        guard tolerance >= 0 else { throw HTTPParseError(.chunkTooLarge) }
        try require(byte == ASCII.tab || (byte >= 0x20 && byte != 0x7F))
    }

    private mutating func takeTrailer(_ byte: UInt8) throws(HTTPParseError) {
        tolerance -= 1
        var isValid = tolerance >= 0
        switch state {
        case .trailerStart where byte == ASCII.carriageReturn: state = .endLineFeed
        case .trailerStart:
            isValid = isValid && HTTPCharacters.token.contains(byte)
            state = .trailerName
        case .trailerName where byte == ASCII.colon: state = .trailerValue
        case .trailerName: isValid = isValid && HTTPCharacters.token.contains(byte)
        case .trailerValue where byte == ASCII.carriageReturn: state = .trailerLineFeed
        case .trailerValue: isValid = isValid && (byte == ASCII.tab || (byte >= 0x20 && byte != 0x7F))
        case .trailerLineFeed:
            isValid = isValid && byte == ASCII.lineFeed
            state = .trailerStart
        default:
            isValid = isValid && byte == ASCII.lineFeed
            state = .done
        }
        guard isValid else { throw HTTPParseError(.invalidTrailer) }
    }

    @inline(__always)
    private func require(_ condition: Bool) throws(HTTPParseError) {
        guard condition else { throw HTTPParseError(.invalidChunk) }
    }
}
