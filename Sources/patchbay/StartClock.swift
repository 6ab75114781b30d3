import Logging
import PatchbayCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// When each stage of the start was over, in milliseconds since the process began; logged once.
struct StartClock: Sendable {
    private var marks: [(stage: String, milliseconds: Int64)] = []
    /// Monotonic nanoseconds at the start of the process.
    private let origin: Int64

    init() {
        origin = Self.processStart() ?? SystemTime.monotonicNanoseconds()
    }

    mutating func mark(_ stage: String) {
        marks.append((stage, (SystemTime.monotonicNanoseconds() - origin) / 1_000_000))
    }

    func log(to logger: Logger) {
        let stages = marks.map { "\($0.stage)=\($0.milliseconds)" }.joined(separator: " ")
        logger.info("ready", metadata: ["milliseconds_since_start": "\(stages)"])
    }

    /// The kernel's own time of the start, which is before the dynamic linker has worked; exact to 10 ms.
    private static func processStart() -> Int64? {
        let descriptor = open("/proc/self/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0, let end = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = String(decoding: bytes[(end + 1)..<count], as: UTF8.self).split(separator: " ")
        var now = timespec()
        guard fields.count > 19, let ticks = Int64(fields[19]), clock_gettime(CLOCK_BOOTTIME, &now) == 0 else {
            return nil
        }
        let perSecond = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let age = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec) - ticks * (1_000_000_000 / perSecond)
        return SystemTime.monotonicNanoseconds() - age
    }
}
