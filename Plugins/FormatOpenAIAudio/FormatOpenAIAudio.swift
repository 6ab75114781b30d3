import CanonicalTask
import PatchbayPlugin
import PatchbayWire

/// The plugin `format-openai-audio`: speech, transcriptions and translations.
///
/// Speech is mostly plain sound, which the host passes on by itself; what comes here is its event stream.
struct FormatOpenAIAudio: TaskCodec {
    enum Format: TaskFormat {
        static let id: StaticString = "openai.audio"
        static let answerMembers: [StaticString] = ["text", "segments"]
        /// Transcripts as text, SRT and WebVTT.
        static let acceptsText = true

        /// Seconds of sound: `usage` of type `duration`, or the length in a verbose answer.
        static func units(_ answer: borrowing JSONTape, _ root: JSONIndex) -> BilledUnits {
            let seconds =
                answer.member(root, path: "usage", "seconds") ?? answer.member(root, named: "duration")
            return BilledUnits(seconds: seconds.flatMap { answer.double($0) })
        }

        static func role(ofEvent name: UnsafeRawBufferPointer) -> TaskEventRole {
            if name.hasSuffix(".delta") || name.hasSuffix(".segment") { return .content }
            return name.hasSuffix(".done") ? .completion(isLast: true) : .other
        }
    }

    init(configuration: PluginConfiguration, host: Host) {}
}
