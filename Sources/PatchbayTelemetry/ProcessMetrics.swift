#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
import PatchbayCore

/// What Prometheus expects to know of every process, read from the system when it is asked for.
enum ProcessMetrics {
    static func define(in registry: MetricRegistry) {
        let start = Double(SystemTime.unixMilliseconds()) / 1000
        registry.value("process_start_time_seconds", help: "Seconds since 1970 when the process started.") { start }
        registry.value(
            "process_cpu_seconds_total", help: "User and system time of the process.", kind: .counter, read: cpuSeconds)
        registry.value(
            "process_resident_memory_bytes", help: "Memory of the process that is in RAM.", read: residentBytes)
        registry.value("process_open_fds", help: "Open file descriptors.", read: openDescriptors)
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        // 0 is RUSAGE_SELF, which Glibc and Musl import as different types.
        guard getrusage(0, &usage) == 0 else { return .nan }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// The second number of `/proc/self/statm` counts pages.
    private static func residentBytes() -> Double {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return .nan }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return .nan }
        let fields = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Double(fields[1]) else { return .nan }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func openDescriptors() -> Double {
        guard let directory = opendir("/proc/self/fd") else { return .nan }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Not ".", "..", nor the descriptor of this directory.
        return Double(max(0, count - 3))
    }
}
