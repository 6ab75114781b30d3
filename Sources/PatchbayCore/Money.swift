/// An amount of US dollars in whole picodollars (1e-12 USD).
///
/// One picodollar per token is one microdollar per million tokens, so every published price is an integer. The
/// range is about nine million dollars either way; arithmetic saturates instead of wrapping.
package struct Money: Sendable, Hashable, Comparable {
    package var picodollars: Int64

    package static let zero = Money(picodollars: 0)

    package init(picodollars: Int64) {
        self.picodollars = picodollars
    }

    /// Rounds to the nearest picodollar. A value that is not finite becomes zero; one out of range saturates.
    package init(dollars: Double) {
        guard dollars.isFinite else {
            self.picodollars = 0
            return
        }
        let scaled = (dollars * 1e12).rounded()
        self.picodollars = scaled >= 0x1p63 ? .max : scaled <= -0x1p63 ? .min : Int64(scaled)
    }

    package var dollars: Double { Double(picodollars) / 1e12 }

    package static func < (left: Money, right: Money) -> Bool { left.picodollars < right.picodollars }

    package static func + (left: Money, right: Money) -> Money {
        let (sum, overflow) = left.picodollars.addingReportingOverflow(right.picodollars)
        return Money(picodollars: overflow ? (right.picodollars > 0 ? .max : .min) : sum)
    }

    /// The price of `count` units at this price per unit.
    package func times(_ count: UInt64) -> Money {
        let (product, overflow) = picodollars.multipliedReportingOverflow(by: Int64(clamping: count))
        return Money(picodollars: overflow ? (picodollars < 0 ? .min : .max) : product)
    }
}
