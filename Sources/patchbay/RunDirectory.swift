#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Private directories for copies of plugin images while they are loaded.
enum RunDirectory {
    /// A new directory under the system's place for temporary files, readable by this user only.
    static func make() throws -> String {
        let base = Environment.value("TMPDIR") ?? "/tmp"
        var template = Array("\(base)/patchbay-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw StartError(sentence: "a temporary directory cannot be made in \(base)")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes a directory made by ``make()``. The copies in it are gone already: they are unlinked once they are
    /// loaded.
    static func remove(_ path: String) {
        rmdir(path)
    }
}
