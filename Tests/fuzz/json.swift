// Documents of any bytes: nothing may crash, and all readers of JSON must agree on what a document is.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    var tape = JSONTape()
    let isDocument = accepts { () throws(JSONError) in try tape.parse(bytes) }
    let isObject = isDocument && tape.kind(tape.root) == .object

    var scanner = JSONFieldScanner(["model", "a", "stream_options"])
    let isScanned = accepts { () throws(JSONError) in try scanner.scan(bytes) }
    precondition(isScanned == isObject, "scanner and tape disagree")

    var copy: [UInt8] = []
    let isCopied = accepts { () throws(JSONError) in try JSONPatch.apply([], to: bytes, into: &copy) }
    precondition(isCopied == isObject, "patch and tape disagree")
    precondition(isObject ? copy.elementsEqual(bytes) : copy.isEmpty, "an empty patch changed the document")

    guard isDocument else { return 0 }
    let value = JSONValue(tape, tape.root)
    checkRoundTrip(value)
    checkStrings(tape)
    if isObject {
        precondition(scanner[0]?.span == tape.member(tape.root, named: "model").map { tape.span($0) }, "wrong field")
        checkPatch(bytes, value)
    }
    return 0
}

func accepts(_ body: () throws(JSONError) -> Void) -> Bool {
    do throws(JSONError) {
        try body()
        return true
    } catch {
        precondition(error.offset >= 0 && !error.message.isEmpty)
        return false
    }
}

/// What is written can be read again and means the same.
func checkRoundTrip(_ value: JSONValue) {
    let written = value.serialised()
    precondition(String(validating: written, as: UTF8.self) != nil, "the writer wrote invalid UTF-8")
    guard let again = try? JSONValue(parsing: written) else { preconditionFailure("the writer wrote no JSON") }
    precondition(again == value, "a document changed by writing and reading")
}

/// Raw strings and unescaped strings of a tape mean the same.
func checkStrings(_ tape: JSONTape) {
    for place in 0..<tape.count {
        let index = JSONIndex(place)
        _ = tape.int(index)
        guard let text = tape.string(index) else { continue }
        var writer = JSONWriter()
        writer.string(raw: tape.rawString(index))
        let again = try? JSONValue(parsing: writer.bytes)
        precondition(again?.stringValue == text, "a raw string changed its meaning")
        _ = JSONEscape.trailingHighSurrogate(tape.rawString(index))
    }
}

/// A patch leaves an object with the new values, and everything else as it was.
func checkPatch(_ bytes: UnsafeRawBufferPointer, _ value: JSONValue) {
    let operations = [
        JSONPatchOperation.set("model", string: "new"), JSONPatchOperation("a", value: nil),
        JSONPatchOperation("stream_options", "include_usage", value: Array("true".utf8)),
    ]
    var output: [UInt8] = []
    let isPatched = accepts { () throws(JSONError) in try JSONPatch.apply(operations, to: bytes, into: &output) }
    guard isPatched else {
        precondition(output.isEmpty, "a failed patch left bytes behind")
        return
    }
    guard let patched = try? JSONValue(parsing: output), let object = patched.objectValue else {
        preconditionFailure("a patch made a document malformed")
    }
    precondition(object["model"] == "new" && object["a"] == nil, "a patch was not applied")
    precondition(object["stream_options"]?["include_usage"] == true, "a nested patch was not applied")
    let names: Set<String> = ["model", "a", "stream_options"]
    let kept = object.members.filter { !names.contains($0.key) }
    precondition(kept == value.objectValue?.members.filter { !names.contains($0.key) }, "a patch changed other members")
}
