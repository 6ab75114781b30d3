internal import CPatchbay

/// Decides from the bytes of a file, without running any of it, whether it is a plugin of this host.
package struct ImagePreflight: Sendable {
    package var image: ELFImage
    package var manifest: PluginManifest
    /// The only entry function.
    package var entry: String
    package var manifestBytes: [UInt8]

    /// - Throws: ``PluginRefusal``; code `noEntry` if the file is a shared library that does not try to be a plugin.
    package init(of bytes: UnsafeRawBufferPointer) throws(PluginRefusal) {
        image = try ELFImage(reading: bytes)
        entry = try Self.entry(of: image)
        guard !image.hasTextRelocations else {
            throw PluginRefusal(
                .textRelocations,
                "The image has text relocations (DT_TEXTREL); compile it as position-independent code.")
        }
        guard let manifestBytes = image.manifest else {
            throw PluginRefusal(.manifestMissing, "The image has no section .patchbay.manifest.")
        }
        self.manifestBytes = manifestBytes
        manifest = try PluginManifest(parsing: manifestBytes)
    }

    private static func entry(of image: ELFImage) throws(PluginRefusal) -> String {
        if image.entries.count > 1 {
            let names = image.entries.sorted().joined(separator: ", ")
            throw PluginRefusal(
                .manyEntries,
                "The image exports \(image.entries.count) entry functions (\(names)); exactly one is allowed.")
        }
        if let entry = image.entries.first { return entry }
        if let other = image.otherEntries.sorted().first {
            let major = other.dropFirst("patchbay_entry_v".count).prefix { $0.isASCII && $0.isNumber }
            throw PluginRefusal(
                .abiMajor,
                "The image is built for major version \(major) of the plugin ABI; this host has "
                    + "\(PB_ABI_MAJOR).\(PB_ABI_MINOR).")
        }
        throw PluginRefusal(
            .noEntry, "The image exports no function whose name begins with patchbay_entry_v\(PB_ABI_MAJOR).")
    }
}
