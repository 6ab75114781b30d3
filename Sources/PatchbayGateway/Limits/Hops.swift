import NIOCore
import PatchbayWire

/// Counts the gateways that a request comes through, so that a circle of relays ends.
///
/// The header `x-patchbay-hops`, written by `Exchange.writeHead`, holds a number: 1 when the first gateway sends the request on, one more at each
/// further one. A relay between two gateways that drops the header hides the circle; then the limits on time and
/// concurrency end it.
enum Hops {
    static let name: StaticString = "x-patchbay-hops"

    /// Gateways before this one; refused when they are too many.
    static func check(
        _ fields: ContiguousArray<HTTPField>, _ bytes: UnsafeRawBufferPointer, limit: Int
    ) throws(GatewayError) -> Int {
        let hops = count(fields, bytes)
        guard hops >= limit else { return hops }
        throw GatewayError.loop(
            "the request has come through \(hops) gateways already (x-patchbay-hops); a site seems to lead back to "
                + "where the request came from")
    }

    /// What is no number counts as one: somebody has put it there.
    private static func count(_ fields: ContiguousArray<HTTPField>, _ bytes: UnsafeRawBufferPointer) -> Int {
        for field in fields where field.known == .other && field.name.range.count == name.utf8CodeUnitCount {
            guard field.name.bytes(in: bytes).equalsIgnoringCase(name) else { continue }
            var number = 0
            for digit in field.value.bytes(in: bytes).prefix(6) {
                guard digit &- 48 < 10 else { return max(number, 1) }
                number = number * 10 + Int(digit &- 48)
            }
            return max(number, 1)
        }
        return 0
    }
}

extension GatewayError {
    /// Nobody should try again what runs in a circle.
    static func loop(_ sentence: String) -> GatewayError {
        var error = GatewayError(.loopDetected, sentence, status: 508)
        error.fields = Array("x-should-retry: false\r\n".utf8)
        return error
    }
}
