// Bodies of any bytes, cut anywhere: nothing may crash, every cut gives the same parts, ranges stay inside of the body and
// in order. The first byte of the input chooses the cuts, the second the bounds.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMultipart(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 2, let start else { return 0 }
    let body = Array(UnsafeBufferPointer(start: start + 2, count: count - 2))
    let limits = MultipartLimits(
        parts: Int(start[1] & 7) + 1, headers: Int(start[1] >> 3 & 3) + 1, headerBytes: 200, fillBytes: 16)
    for bounds in [MultipartLimits(), limits] {
        let whole = read(body, step: body.count, bounds)
        let cut = read(body, step: Int(start[0] & 31) + 1, bounds)
        precondition(whole == cut, "cuts changed the parts")
    }
    body.withUnsafeBytes { _ = try? MultipartParser.boundary(ofContentType: $0) }
    return 0
}

struct Reading: Equatable {
    var names: [String] = []
    /// Begin and end of the content of each part.
    var contents: [Range<Int>?] = []
    var endedParts = 0
    var isEnded = false
    var failure: MultipartError.Code?
}

func read(_ body: [UInt8], step: Int, _ limits: MultipartLimits) -> Reading {
    var reading = Reading()
    var parser = MultipartParser(boundary: Array("XX".utf8), limits: limits)
    do {
        for start in stride(from: 0, to: body.count, by: step) {
            // A copy for each read, so that the address sanitizer sees a read outside of its chunk.
            let chunk = Array(body[start..<min(start + step, body.count)])
            var position = 0
            while let event = try chunk.withUnsafeBytes({ try parser.next(in: $0, at: &position) }) {
                note(event, parser, body.count, &reading)
            }
        }
        try parser.finish()
        precondition(reading.isEnded && reading.endedParts == reading.names.count, "a part did not end")
    } catch {
        reading.failure = (error as? MultipartError)?.code
    }
    precondition(reading.names.count <= limits.parts, "more parts than allowed")
    return reading
}

func note(_ event: MultipartParser.Event, _ parser: MultipartParser, _ count: Int, _ reading: inout Reading) {
    switch event {
    case .partBegan:
        reading.names.append(parser.part.name)
        reading.contents.append(nil)
    case .data(let range):
        let known = reading.contents[reading.contents.count - 1]
        precondition(
            !range.isEmpty && range.lowerBound >= 0 && range.upperBound <= count, "a range outside of the body")
        precondition(known == nil || known?.upperBound == range.lowerBound, "content with a gap")
        reading.contents[reading.contents.count - 1] = (known?.lowerBound ?? range.lowerBound)..<range.upperBound
    case .partEnded: reading.endedParts += 1
    case .ended: reading.isEnded = true
    }
}
