/// How long and how much of uploaded files the gateway keeps.
package struct FileStoreSettings: Sendable, Hashable {
    /// False = no file is taken.
    package var isOn = true
    /// Milliseconds after the upload, for files whose upload does not say.
    package var keepMilliseconds: Int64 = 2_592_000_000
    /// Bytes of one file.
    package var fileBytes = 33_554_432
    /// Bytes of all files of one key.
    package var keyBytes = 1_073_741_824
    /// Files of one key.
    package var keyCount = 1_000

    package init() {}
}
