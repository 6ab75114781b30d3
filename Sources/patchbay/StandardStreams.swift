#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Text for people on standard output.
enum StandardOutput {
    static func write(_ text: String) {
        FileDescriptorWriter.write(Array(text.utf8), to: 1)
    }
}

/// Lines for people on standard error.
enum StandardError {
    static func write(_ line: String) {
        FileDescriptorWriter.write(Array((line + "\n").utf8), to: 2)
    }
}

private enum FileDescriptorWriter {
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if written <= 0 { return }
            offset += written
        }
    }
}

#if canImport(Glibc)
    private let systemWrite = Glibc.write
#else
    private let systemWrite = Musl.write
#endif
