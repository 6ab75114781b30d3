import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayWire

/// What conversions lose: told to the client and the ledger, or refused.
extension Exchange {
    /// What the answer's conversion and that of the request could not carry, as `code;severity`.
    var warnings: [String] { losses?.warnings ?? [] }

    /// From this severity on a loss is refused; nil = never. The key and the route set the standard, a request may
    /// raise it for itself: `x-patchbay-strict: true` or `semantic` refuses what changes the meaning, `degrade` also
    /// what changes the behaviour.
    var refusedLoss: ConversionLoss.Severity? {
        let word = connection.headerText("x-patchbay-strict")?.lowercased()
        switch word {
        case nil, "", "false", "0": return isStrict ? .semantic : nil
        case "degrade": return .degrade
        default: return .semantic
        }
    }

    /// Refuses a conversion that loses too much, before the upstream is asked. Another channel may still be able to
    /// carry the request.
    func checkLosses(_ refused: ConversionLoss.Severity?, from client: WireFormat) throws(GatewayError) {
        guard let refused, let losses, let worst = losses.worst, worst >= refused else { return }
        let fatal = losses.losses.filter { $0.severity >= refused }
        let named = fatal.prefix(8).map { loss in
            let place = loss.path.isEmpty || loss.path == "/" ? "" : " (\(loss.path))"
            return "\(loss.code)\(place), \(loss.severity.name)"
        }
        let more = fatal.count > named.count ? " and \(fatal.count - named.count) more" : ""
        throw GatewayError(
            .unsupportedConversion,
            "the request cannot be sent as \(attempt.format) without losing \(named.joined(separator: "; "))\(more);"
                + " leave these out, or do without strict conversion",
            status: 400, parameter: fatal.first.map(Exchange.parameter))
    }

    /// The path of a loss as OpenAI's errors write one: `messages.3.content`.
    private static func parameter(of loss: ConversionLoss) -> String {
        let words = loss.path.split(separator: "/")
        return words.isEmpty ? loss.code : words.joined(separator: ".")
    }
}
