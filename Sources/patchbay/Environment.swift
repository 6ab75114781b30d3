#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The environment of the process. Every option of `serve` can be given as `PATCHBAY_` and its name in capitals.
enum Environment {
    static func value(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// All variables, for expansion in the configuration file.
    static var all: [String: String] {
        var found: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let text = String(cString: pointer)
            if let equals = text.firstIndex(of: "=") {
                found[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry += 1
        }
        return found
    }

    /// The directory of the running program.
    static var executableDirectory: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else { return "." }
        let path = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }

    /// Where plugins are looked for when nobody says: beside the program, as a build leaves them, and where an
    /// installation puts them.
    static var defaultPluginDirectories: [String] {
        let here = executableDirectory
        return [here, "\(here)/../lib/patchbay/plugins"].filter { access($0, R_OK | X_OK) == 0 }
    }
}
