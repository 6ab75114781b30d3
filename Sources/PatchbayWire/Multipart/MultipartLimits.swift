/// How much of a multipart body's own structure is taken. The contents of parts are not counted here: they are never
/// copied, and whoever reads the body bounds it.
package struct MultipartLimits: Sendable, Hashable {
    package var parts: Int
    /// Header lines of one part.
    package var headers: Int
    /// Bytes of the header lines of one part.
    package var headerBytes: Int
    /// Bytes in front of the first boundary, and blanks behind one.
    package var fillBytes: Int

    package init(parts: Int = 256, headers: Int = 16, headerBytes: Int = 8192, fillBytes: Int = 1024) {
        self.parts = parts
        self.headers = headers
        self.headerBytes = headerBytes
        self.fillBytes = fillBytes
    }
}
