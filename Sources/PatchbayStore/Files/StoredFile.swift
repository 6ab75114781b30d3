/// What is known of a file that a client has uploaded.
package struct StoredFile: Sendable, Hashable {
    /// ``FileStore/idPrefix`` and 32 hexadecimal digits.
    package var id: String
    package var name: String
    /// Media type, without parameters.
    package var type: String
    package var purpose: String
    package var bytes: Int
    /// Milliseconds since 1970.
    package var created: Int64
    /// Milliseconds since 1970; from then on the file does not exist.
    package var expires: Int64

    package init(
        id: String, name: String, type: String, purpose: String, bytes: Int, created: Int64, expires: Int64
    ) {
        self.id = id
        self.name = name
        self.type = type
        self.purpose = purpose
        self.bytes = bytes
        self.created = created
        self.expires = expires
    }
}

/// A file that comes in.
package struct NewFile: Sendable {
    package var name: String
    package var type: String
    package var purpose: String
    /// Milliseconds from the upload to the end; nil = what the settings say.
    package var keepMilliseconds: Int64?
    /// Bytes that `content` shows.
    package var bytes: Int
    /// Shows the content once, on the thread of the store.
    package var content: @Sendable ((UnsafeRawBufferPointer) -> Void) -> Void

    package init(
        name: String, type: String, purpose: String, keepMilliseconds: Int64?, bytes: Int,
        content: @escaping @Sendable ((UnsafeRawBufferPointer) -> Void) -> Void
    ) {
        self.name = name
        self.type = type
        self.purpose = purpose
        self.keepMilliseconds = keepMilliseconds
        self.bytes = bytes
        self.content = content
    }
}

/// What became of an upload.
package enum FileUpload: Sendable, Hashable {
    case kept(StoredFile)
    /// The key has as many files as it may.
    case tooMany
    /// With this one the files of the key would have so many bytes more than they may.
    case tooLarge(by: Int)
}

/// Which files a client asks for.
package struct FileListQuery: Sendable, Hashable {
    package var purpose: String?
    /// The page begins behind this file.
    package var after: String?
    /// The page ends before this file.
    package var before: String?
    /// Only these; empty = all.
    package var ids: [String] = []
    package var limit = 10_000
    package var oldestFirst = false

    package init() {}
}

/// A part of a list of files.
package struct FilePage: Sendable, Hashable {
    package var files: [StoredFile]
    /// There are more in the direction of the page.
    package var hasMore: Bool
}
