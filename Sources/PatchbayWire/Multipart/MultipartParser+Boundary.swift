extension MultipartParser {
    /// The boundary of a content type; nil if the type is not `multipart/form-data`.
    ///
    /// - Throws: `badBoundary` if it has none, several, or one outside of the grammar (RFC 2046 section 5.1.1): 1 to 70
    ///   bytes of a small alphabet that do not end with a space.
    package static func boundary(
        ofContentType value: UnsafeRawBufferPointer
    ) throws(MultipartError) -> [UInt8]? {
        guard var parameters = HeaderParameters(Array(value)[...]), parameters.value == "multipart/form-data" else {
            return nil
        }
        var boundary: [UInt8]?
        while let parameter = parameters.next() {
            guard parameter.name == "boundary" else { continue }
            guard boundary == nil else { throw MultipartError(.badBoundary, offset: 0) }
            boundary = Array(parameter.value.utf8)
        }
        guard !parameters.isMalformed, let boundary, (1...70).contains(boundary.count), boundary.last != 0x20,
            boundary.allSatisfy(isBoundaryByte)
        else { throw MultipartError(.badBoundary, offset: 0) }
        return boundary
    }

    private static func isBoundaryByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "'()+_,-./:=? ".utf8.contains(byte)
        }
    }
}
