import PatchbayPlugin
import PatchbayWire

extension CanonicalRequest {
    /// Refuses what lives at the provider of the request's own format and is part of the prompt.
    ///
    /// - Parameter format: the format that the request shall be written in, for the sentence.
    package func refuseForeignState(for format: String, _ context: inout ConversionContext) throws(ConversionError) {
        guard native?["cachedContent"]?.nonNull != nil else { return }
        context.lose(.fatal, "native.cachedContent", at: "/native/\(native?.format ?? "")/cachedContent")
        throw ConversionError(
            .unsupported, "`cachedContent` is stored at Google: an upstream of \(format) cannot read it")
    }
}
