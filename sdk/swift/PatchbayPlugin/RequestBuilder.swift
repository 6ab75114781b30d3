import CPatchbay

/// Collects what `prepare` decides. Valid until `prepare` returns.
///
/// The functions copy at once. The first refusal of the host (an invalid URL, too many headers) is remembered and fails
/// the attempt after `prepare` has returned, so authors need no `try`.
public struct RequestBuilder {
    let record: UnsafePointer<pb_request_builder>
    var failure: PluginError?

    init(_ record: UnsafePointer<pb_request_builder>) {
        self.record = record
    }

    /// Sets the absolute URL as the concatenation of its pieces: a base, a path, and a query without `?`.
    public mutating func setURL(_ base: ByteView, path: String, query: ByteView = .absent) {
        var path = path
        path.withUTF8 { setURL(base, path: ByteView(UnsafeRawBufferPointer($0)), query: query) }
    }

    /// Sets the absolute URL as the concatenation of its pieces: a base, a path, and a query without `?`.
    public mutating func setURL(_ base: ByteView, path: ByteView, query: ByteView = .absent) {
        guard let set = record.pointee.set_url else { return fail("set_url") }
        let hasQuery = !query.isEmpty
        let size = base.count + path.count + (hasQuery ? query.count + 1 : 0)
        let record = self.record
        let status = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(size, 1)) { buffer in
            var used = buffer.append(base, at: 0)
            used = buffer.append(path, at: used)
            if hasQuery {
                buffer[used] = UInt8(ascii: "?")
                used = buffer.append(query, at: used + 1)
            }
            return set(record, pb_str(UnsafeBufferPointer(start: buffer.baseAddress, count: used)))
        }
        note(status, "URL")
    }

    /// Sets the absolute URL.
    public mutating func setURL(_ url: String) {
        guard let set = record.pointee.set_url else { return fail("set_url") }
        note(withView(url) { set(record, $0) }, "URL")
    }

    /// Sets the method; POST unless set.
    public mutating func setMethod(_ method: String) {
        guard let set = record.pointee.set_method else { return fail("set_method") }
        note(withView(method) { set(record, $0) }, "method")
    }

    /// Sets a header and replaces the client's of the same name. The host fills in `${secret:NAME}` in the value.
    public mutating func setHeader(_ name: String, _ value: String) {
        guard let set = record.pointee.set_header else { return fail("set_header") }
        note(withView(name) { name in withView(value) { set(record, name, $0) } }, name)
    }

    /// Sets a header from a borrowed value; an absent value removes the header.
    public mutating func setHeader(_ name: String, _ value: ByteView) {
        guard let set = record.pointee.set_header else { return fail("set_header") }
        note(withView(name) { set(record, $0, pb_str(value)) }, name)
    }

    /// Removes a header that the host would forward from the client.
    public mutating func removeHeader(_ name: String) {
        setHeader(name, ByteView.absent)
    }

    /// Replaces or adds a member of the body. `pointer` is a JSON pointer to a top-level member (`/store`) or to a
    /// member of a top-level object (`/stream_options/include_usage`); `json` is JSON text. All else stays byte for
    /// byte.
    public mutating func patch(_ pointer: String, json: String) {
        guard let patch = record.pointee.patch else { return fail("patch") }
        note(withView(pointer) { pointer in withView(json) { patch(record, pointer, $0) } }, pointer)
    }

    /// Removes a member of the body.
    public mutating func removeMember(_ pointer: String) {
        guard let patch = record.pointee.patch else { return fail("patch") }
        note(withView(pointer) { patch(record, $0, pb_str()) }, pointer)
    }

    private mutating func note(_ status: pb_status, _ field: @autoclosure () -> String) {
        guard status < 0, failure == nil else { return }
        failure = PluginError(PluginError.Code(status: status), "The host refused the \(field()) of the request.")
    }

    private mutating func fail(_ function: String) {
        failure = failure ?? PluginError(.unsupported, "The host lacks the function \(function).")
    }
}

extension UnsafeMutableBufferPointer<UInt8> {
    /// Copies `view` to `offset` and returns the offset after it.
    fileprivate func append(_ view: ByteView, at offset: Int) -> Int {
        guard let source = view.base, view.count > 0, let target = baseAddress else { return offset }
        (target + offset).update(from: source, count: view.count)
        return offset + view.count
    }
}
