package import PatchbayCore
internal import PatchbayWire

/// What each wire format carries, found by asking its codec: every probe is written in the format, and what the codec
/// reports as lost is noted.
package struct ConversionMatrix: Sendable {
    /// What becomes of a feature in a format.
    package enum Fate: Sendable, Hashable {
        case carried
        case lost(ConversionLoss.Severity)
        /// The conversion is refused.
        case refused
        /// An answer comes back otherwise than it was written.
        case changed

        package var word: String {
            switch self {
            case .carried: "yes"
            case .lost(let severity): severity.name
            case .refused: "refused"
            case .changed: "changed"
            }
        }

        /// Nothing that matters is lost.
        var isHarmless: Bool { self == .carried || self == .lost(.info) }
    }

    package struct Row: Sendable {
        package var feature: String
        /// By format, in the order of ``ConversionMatrix/formats``.
        package var fates: [Fate]
        /// Whether a client of the format can ask for it, in the same order.
        package var sayable: [Bool]
    }

    package let formats: [WireFormat]
    package let requests: [Row]
    package let answers: [Row]

    package init(_ codecs: [FormatCodec]) {
        let codecs = codecs.sorted { $0.format.rawValue < $1.format.rawValue }
        formats = codecs.map(\.format)
        let plainest = codecs.map(ConversionMatrix.lossesOfPlainText)
        requests = ConversionProbe.requests.map { probe in
            Row(
                feature: probe.feature,
                fates: zip(codecs, plainest).map { ConversionMatrix.write(probe, $0, beside: $1) },
                sayable: codecs.map { ConversionMatrix.write(probe.of($0.format), $0).isHarmless })
        }
        answers = (ConversionProbe.answers + ConversionProbe.endings).map { probe in
            Row(
                feature: probe.feature, fates: codecs.map { ConversionMatrix.writeAndRead(probe, $0) },
                sayable: codecs.map { _ in true })
        }
    }

    /// Features of requests that a client of one format can ask for and an upstream of another does not get, the worst
    /// first.
    package func losses(from client: WireFormat, to upstream: WireFormat) -> [(feature: String, fate: Fate)] {
        guard let source = formats.firstIndex(of: client), let target = formats.firstIndex(of: upstream) else {
            return []
        }
        return requests.filter { $0.sayable[source] && $0.fates[target] != .carried }
            .map { (feature: $0.feature, fate: $0.fates[target]) }
            .enumerated().sorted { left, right in
                let (first, second) = (left.element.fate.rank, right.element.fate.rank)
                return first == second ? left.offset < right.offset : first > second
            }.map(\.element)
    }

    // MARK: - Probing

    private static func parameters(_ losses: LossLedger) -> CodecParameters {
        var parameters = CodecParameters()
        parameters.requestedModel = "m"
        parameters.upstreamModel = "m"
        parameters.requestID = "req_probe"
        parameters.createdSeconds = 1
        parameters.losses = losses
        return parameters
    }

    /// Codes of what a format loses of the plainest request already; they say nothing of a feature.
    private static func lossesOfPlainText(_ codec: FormatCodec) -> Set<String> {
        let losses = LossLedger()
        _ = write(.plainText, codec, to: losses)
        return Set(losses.losses.map(\.code))
    }

    private static func write(
        _ probe: ConversionProbe, _ codec: FormatCodec, beside known: Set<String> = []
    ) -> Fate {
        let losses = LossLedger()
        guard write(probe, codec, to: losses) else { return .refused }
        let isPlain = probe.feature == ConversionProbe.plainText.feature
        let own = losses.losses.filter { isPlain || !known.contains($0.code) }
        return own.map(\.severity).max().map { .lost($0) } ?? .carried
    }

    /// False if the codec refuses.
    private static func write(_ probe: ConversionProbe, _ codec: FormatCodec, to losses: LossLedger) -> Bool {
        var wire: [UInt8] = []
        do throws(PluginError) {
            try probe.document.serialised().withRaw { raw throws(PluginError) in
                try codec.requestFromCanonical(raw, parameters(losses), into: &wire)
            }
            return true
        } catch {
            return false
        }
    }

    /// An answer that is written and read again should be the same.
    private static func writeAndRead(_ probe: ConversionProbe, _ codec: FormatCodec) -> Fate {
        let losses = LossLedger()
        var wire: [UInt8] = []
        var again: [UInt8] = []
        do throws(PluginError) {
            try probe.document.serialised().withRaw { raw throws(PluginError) in
                try codec.responseFromCanonical(raw, parameters(losses), into: &wire)
            }
            try wire.withRaw { raw throws(PluginError) in
                try codec.responseToCanonical(raw, parameters(losses), into: &again)
            }
        } catch {
            return .refused
        }
        if let worst = losses.worst, worst > .info { return .lost(worst) }
        guard let read = try? JSONValue(parsing: again) else { return .refused }
        return essence(read) == essence(probe.document) ? .carried : .changed
    }

    /// The choices without what only one format knows of them.
    private static func essence(_ document: JSONValue) -> JSONValue {
        .array(
            (document["choices"]?.arrayValue ?? []).map { choice in
                var kept = JSONObject()
                kept["parts"] = .array((choice["parts"]?.arrayValue ?? []).map(part))
                kept["reason"] = choice["finish"]?["reason"]
                kept["logprobs"] = choice["logprobs"]?.nonNull
                return .object(kept)
            })
    }

    private static func part(_ part: JSONValue) -> JSONValue {
        guard var object = part.objectValue else { return part }
        object.remove("native")
        if let notes = object["ann"]?.arrayValue {
            object["ann"] = .array(
                notes.map { note in
                    guard var note = note.objectValue else { return note }
                    note.remove("native")
                    return .object(JSONObject(note.members.sorted { $0.key < $1.key }))
                })
        }
        return .object(JSONObject(object.members.sorted { $0.key < $1.key }))
    }
}

extension ConversionMatrix.Fate {
    fileprivate var rank: UInt32 {
        switch self {
        case .carried: 0
        case .lost(let severity): severity.rawValue
        case .changed: 2
        case .refused: 5
        }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of the error.
    fileprivate func withRaw<Value>(
        _ body: (UnsafeRawBufferPointer) throws(PluginError) -> Value
    ) throws(PluginError) -> Value {
        let result: Result<Value, PluginError> = withUnsafeBytes { bytes in
            do throws(PluginError) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
