/// The decimal digits of a number, whose count is known before they are written.
struct DecimalDigits {
    private let value: UInt
    let count: Int

    @inline(__always)
    init(_ value: UInt) {
        self.value = value
        var count = 1
        var bound: UInt = 10
        while value >= bound {
            count &+= 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        self.count = count
    }

    /// Writes ``count`` bytes to `start`, and returns the end of them.
    @inline(__always)
    func write(to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let end = start + count
        var rest = value
        var next = end
        repeat {
            next -= 1
            next.pointee = UInt8(truncatingIfNeeded: rest % 10) + 0x30
            rest /= 10
        } while rest > 0
        return end
    }
}
