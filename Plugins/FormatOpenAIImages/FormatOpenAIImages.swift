import CanonicalTask
import PatchbayPlugin
import PatchbayWire

/// The plugin `format-openai-images`: generations, edits and variations, which answer alike.
struct FormatOpenAIImages: TaskCodec {
    enum Format: TaskFormat {
        static let id: StaticString = "openai.images"
        static let answerMembers: [StaticString] = ["data"]

        /// The images of an answer, or the one that an event completes.
        static func units(_ answer: borrowing JSONTape, _ root: JSONIndex) -> BilledUnits {
            guard let data = answer.member(root, named: "data") else { return BilledUnits() }
            var count = 0
            for _ in answer.elements(of: data) { count += 1 }
            return BilledUnits(images: count)
        }

        /// Every image of a stream has a completion of its own, so none is known to be the last.
        static func role(ofEvent name: UnsafeRawBufferPointer) -> TaskEventRole {
            if name.hasSuffix(".partial_image") { return .content }
            return name.hasSuffix(".completed") ? .completion(isLast: false) : .other
        }
    }

    init(configuration: PluginConfiguration, host: Host) {}
}
