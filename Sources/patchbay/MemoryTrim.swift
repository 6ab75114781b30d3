import PatchbayGateway
import PatchbayTelemetry

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
    /// Looks in a row that have to find nothing going on, and the looks after which it is done again: health checks
    /// and the admin API touch memory too.
    private static let quiet = 2
    private static let again = 15

    let gateway: Gateway

    /// Gives back what the start has used, then looks every two seconds until the task is cancelled.
    func run() async {
        try? await Task.sleep(for: .seconds(1))
        if gateway.activity.busy == 0, !Task.isCancelled { Self.trim() }
        var last: UInt64?
        var looks = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(2))
            let (records, busy) = gateway.activity
            looks = records == last && busy == 0 ? looks + 1 : 0
            last = records
            if looks % Self.again == Self.quiet { Self.trim() }
        }
    }

    /// `malloc_trim` of glibc, whose header Swift does not see; other C libraries have none.
    private static let allocatorTrim: (@convention(c) (Int) -> Int32)? = dlsym(nil, "malloc_trim").map {
        unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self)
    }

    static func trim() {
        _ = allocatorTrim?(0)
        CleanMappings.ofThisProcess { mapping in
            madvise(UnsafeMutableRawPointer(bitPattern: mapping.lowerBound), mapping.count, Int32(MADV_DONTNEED))
        }
    }
}
