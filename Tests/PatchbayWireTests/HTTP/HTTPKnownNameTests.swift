import PatchbayWire
import Testing

struct HTTPKnownNameTests {
    @Test func recognisesEveryNameInAnyCase() {
        for known in HTTPKnownName.allCases where known != .other {
            let lower = known.text.description
            for name in [lower, lower.uppercased(), lower.prefix(1).uppercased() + lower.dropFirst()] {
                #expect(Array(name.utf8).withUnsafeBytes { HTTPKnownName(name: $0) } == known)
            }
            for other in [lower + "x", "y" + lower, String(lower.dropLast()), "y" + lower.dropFirst()] {
                let found = Array(other.utf8).withUnsafeBytes { HTTPKnownName(name: $0) }
                #expect(found != known)
            }
        }
        #expect(HTTPKnownName(name: UnsafeRawBufferPointer(start: nil, count: 0)) == .other)
    }
}
