/// Why a file is not loaded as a plugin.
package struct PluginRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// Bounded word for metrics and the API.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case unreadable
        case unsafePermissions = "unsafe_permissions"
        case symlinkOutside = "symlink_outside"
        case tooLarge = "too_large"
        case notELF = "not_elf"
        case malformedImage = "malformed_image"
        case wrongArchitecture = "wrong_architecture"
        case notSharedLibrary = "not_shared_library"
        case textRelocations = "text_relocations"
        case noEntry = "no_entry"
        case manyEntries = "many_entries"
        case abiMajor = "abi_major"
        case abiMinor = "abi_minor"
        case manifestMissing = "manifest_missing"
        case manifestInvalid = "manifest_invalid"
        case moduleInvalid = "module_invalid"
        case idMismatch = "id_mismatch"
        case duplicateID = "duplicate_id"
        case loadFailed = "load_failed"
        case instanceFailed = "instance_failed"
    }

    package var code: Code
    /// One sentence for people: what the file is, and what the host has or wants.
    package var sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package var description: String { sentence }
}
