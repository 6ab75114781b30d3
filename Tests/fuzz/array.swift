// Arrays of any bytes, cut anywhere: nothing may crash, every cut gives the same elements, and the elements of a valid
// array are those that the JSON parser finds. The first byte of the input chooses the cuts.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzArray(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 1, let start else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let whole = elements(bytes, step: bytes.count)
    let cut = elements(bytes, step: Int(start[0] & 31) + 1)
    precondition(whole == cut, "cuts changed the elements")
    if case .array(let values)? = try? JSONValue(parsing: bytes) {
        precondition(whole?.map { try? JSONValue(parsing: $0) } == values, "elements differ from those of the array")
    }
    return 0
}

/// nil if the array was refused.
func elements(_ bytes: [UInt8], step: Int) -> [[UInt8]]? {
    var splitter = JSONArraySplitter(maxElementBytes: 1 << 16)
    var found: [[UInt8]] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
        let chunk = Array(bytes[start..<min(start + step, bytes.count)])
        do {
            try chunk.withUnsafeBytes { raw in try splitter.feed(raw) { found.append(Array($0)) } }
        } catch {
            return nil
        }
    }
    return found
}
