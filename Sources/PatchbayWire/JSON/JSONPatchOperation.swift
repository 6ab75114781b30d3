/// One change to a member of the outermost object, or of an object that is itself such a member.
package struct JSONPatchOperation: Sendable, Hashable {
    /// The member of the outermost object, unescaped UTF-8.
    package let name: [UInt8]
    /// The member inside of `name`, or nil when `name` itself is meant.
    package let child: [UInt8]?
    /// The bytes of one JSON value; nil removes the member.
    package let value: [UInt8]?

    /// Sets a member of the outermost object to `value`, or removes it when that is nil.
    package init(_ name: String, value: [UInt8]?) {
        self.name = Array(name.utf8)
        self.child = nil
        self.value = value
    }

    /// Sets the member `child` of the object that is the member `name`. An absent or null `name` becomes an object.
    package init(_ name: String, _ child: String, value: [UInt8]?) {
        self.name = Array(name.utf8)
        self.child = Array(child.utf8)
        self.value = value
    }

    /// - Parameter path: one or two names.
    package init(path: [String], value: [UInt8]?) throws(JSONError) {
        switch path.count {
        case 1: self.init(path[0], value: value)
        case 2: self.init(path[0], path[1], value: value)
        default: throw JSONError(.invalidPatch, at: 0)
        }
    }

    /// The same from borrowed bytes.
    package init(name: UnsafeRawBufferPointer, child: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) {
        self.name = Array(name)
        self.child = child.map(Array.init)
        self.value = value.map(Array.init)
    }

    /// At least as many bytes as this operation can make a document longer, unless its names need escapes.
    var bytesIfAdded: Int {
        name.count + (child?.count ?? 0) + (value?.count ?? 0) + 10
    }

    /// Sets a member of the outermost object to a string.
    package static func set(_ name: String, string: String) -> JSONPatchOperation {
        var writer = JSONWriter()
        writer.string(string)
        return JSONPatchOperation(name, value: writer.bytes)
    }
}
