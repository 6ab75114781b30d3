#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
internal import CPatchbay
internal import Synchronization

/// Maps checked images into the process. They are never unmapped.
///
/// An image is copied to a name of its own first: the dynamic linker would otherwise return the old image for a name it
/// knows, and a file that is overwritten while it is mapped kills the process.
struct ImageLoader: Sendable {
    private let directory: String
    private static let counter = Atomic<UInt64>(0)

    /// - Parameter directory: private to this user; made if it does not exist.
    init(directory: String) {
        self.directory = directory
    }

    /// Loads the image and asks its entry function for the module.
    ///
    /// - Throws: ``PluginRefusal`` with what the dynamic linker or the check of the module says.
    func load(
        _ bytes: [UInt8], sha256: String, preflight: ImagePreflight, version: StableBytes
    ) throws(PluginRefusal) -> ModuleTable {
        // What comes behind the segments is for debuggers, and often the larger part.
        let loaded = bytes[..<min(bytes.count, preflight.image.loadedBytes)]
        let copy = try writeCopy(of: loaded, name: "\(preflight.manifest.id)-\(sha256.prefix(12))")
        let handle = dlopen(copy, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)
        let problem = handle == nil ? dlerror().map { String(cString: $0) } : nil
        unlink(copy)
        guard let handle else {
            throw PluginRefusal(.loadFailed, "The dynamic linker refuses the image: \(problem ?? "no reason given").")
        }
        guard let symbol = dlsym(handle, preflight.entry) else {
            throw PluginRefusal(.loadFailed, "The dynamic linker does not find the function \(preflight.entry).")
        }
        let entry = unsafeBitCast(symbol, to: pb_entry_fn.self)
        let module = InstanceContext.withBareHost(version: version) { entry($0) }
        return try ModuleTable(module, preflight: preflight)
    }

    private func writeCopy(of bytes: ArraySlice<UInt8>, name: String) throws(PluginRefusal) -> String {
        try prepareDirectory()
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        let path = "\(directory)/\(Self.prefix)\(getpid())-\(number)-\(name).so"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o500)
        guard descriptor >= 0 else { throw Self.failed("made", path) }
        defer { close(descriptor) }
        let isComplete = bytes.withUnsafeBytes { bytes in
            var position = 0
            while position < bytes.count, let start = bytes.baseAddress {
                let count = write(descriptor, start + position, bytes.count - position)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                position += count
            }
            return true
        }
        guard isComplete else {
            let refusal = Self.failed("written", path)
            unlink(path)
            throw refusal
        }
        return path
    }

    private static let prefix = "patchbay-"

    private static func failed(_ what: String, _ path: String) -> PluginRefusal {
        PluginRefusal(.loadFailed, "The private copy \(path) cannot be \(what): \(String(cString: strerror(errno))).")
    }

    private func prepareDirectory() throws(PluginRefusal) {
        var made = ""
        for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : made.isEmpty || made.hasSuffix("/") ? String(part) : "/\(part)"
            if mkdir(made, 0o700) != 0, errno != EEXIST, errno != EISDIR {
                throw Self.failed("made", directory)
            }
        }
    }

    /// Removes copies that a process left behind which was killed while it was loading.
    func removeLeftovers() {
        guard let listing = opendir(directory) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix(Self.prefix), name.hasSuffix(".so"),
                let process = name.dropFirst(Self.prefix.count).split(separator: "-").first.flatMap({ pid_t($0) }),
                kill(process, 0) != 0, errno == ESRCH
            else { continue }
            unlink("\(directory)/\(name)")
        }
    }
}
