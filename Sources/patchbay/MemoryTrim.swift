import PatchbayGateway

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Gives memory back to the system when nothing is going on: what the allocator keeps for later, and the pages of
/// programs and libraries that the start or a burst has touched.
///
/// Nothing is lost by it: the pages of a file that nobody has written to come back from the page cache when they are
/// touched again, some sixteen at a time.
struct MemoryTrim: Sendable {
    /// So long nothing may have happened.
    private static let quiet = 4

    let gateway: Gateway

    /// Looks every two seconds until the task is cancelled.
    func run() async {
        var last: UInt64?
        var stillFor = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(2))
            let (records, busy) = gateway.activity
            stillFor = records == last && busy == 0 ? stillFor + 1 : 0
            last = records
            if stillFor == Self.quiet / 2 { Self.trim() }
        }
    }

    /// `malloc_trim` of glibc, whose header Swift does not see; other C libraries have none.
    private static let allocatorTrim: (@convention(c) (Int) -> Int32)? = dlsym(nil, "malloc_trim").map {
        unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self)
    }

    static func trim() {
        _ = allocatorTrim?(0)
        for mapping in CleanMappings.read() {
            madvise(mapping.start, mapping.count, Int32(MADV_DONTNEED))
        }
    }
}

/// The mappings of this process that hold nothing but unchanged pages of files and cannot be written to.
///
/// Relocated pages are not among them: they are private copies, which the kernel counts as anonymous.
enum CleanMappings {
    struct Mapping {
        var start: UnsafeMutableRawPointer
        var count: Int
    }

    static func read() -> [Mapping] {
        parse(content(of: "/proc/self/smaps"))
    }

    /// Reads the text of `/proc/PID/smaps`: a line with address, rights and name, then lines with sizes.
    static func parse(_ text: String) -> [Mapping] {
        var found: [Mapping] = []
        var candidate: Mapping?
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let first = words.first else { continue }
            if !first.hasSuffix(":") {
                candidate = mapping(words)
            } else if first == "Anonymous:" {
                if let candidate, words.count > 1, words[1] == "0" { found.append(candidate) }
                candidate = nil
            }
        }
        return found
    }

    private static func mapping(_ words: [Substring]) -> Mapping? {
        guard words.count >= 6, words[5].hasPrefix("/"), words[1].hasPrefix("r"), words[1].hasSuffix("p"),
            !words[1].contains("w")
        else { return nil }
        let ends = words[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
        guard ends.count == 2, ends[0] < ends[1], let start = UnsafeMutableRawPointer(bitPattern: ends[0]) else {
            return nil
        }
        return Mapping(start: start, count: Int(ends[1] - ends[0]))
    }

    private static func content(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fill(&chunk, descriptor)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The name `read` is taken inside the type above.
private func fill(_ buffer: inout [UInt8], _ descriptor: Int32) -> Int { read(descriptor, &buffer, buffer.count) }
