// Cost of the byte formats, in microseconds of CPU time and as multiples of a memchr and of a memcpy pass over the same bytes in
// the same run.
//
//     Tests/bench/wire/run.sh            for people
//     Tests/bench/wire/run.sh --lines    name, microseconds, x memchr, x memcpy, separated by tabs
//
// Each figure is the best of several rounds; compare ratios, not microseconds.

import Glibc

// MARK: - Measuring

/// CPU time of the thread: what others do on the machine meanwhile does not count.
func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Microseconds of one call of `body`: the best of fifteen rounds of about two milliseconds.
func measure(_ body: () -> Void) -> Double {
    body()
    let start = nanoseconds()
    body()
    let iterations = max(1, 2_000_000 / max(1, nanoseconds() - start))
    var best = Double.infinity
    for _ in 0..<15 {
        let start = nanoseconds()
        for _ in 0..<iterations { body() }
        best = min(best, Double(nanoseconds() - start) / Double(iterations) / 1000)
    }
    return best
}

func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.utf8.count))
}

func fixed(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int(value * scale + 0.5)
    let rest = String(scaled % Int(scale))
    return "\(scaled / Int(scale))." + String(repeating: "0", count: digits - rest.utf8.count) + rest
}

/// Keeps results alive so that the optimiser cannot drop the work.
nonisolated(unsafe) var sink = 0
let isForMachines = CommandLine.arguments.contains("--lines")

// MARK: - Documents

func chatBody(text: String) -> [UInt8] {
    let messages = (0..<6).map { index in
        #"{"role": "\#(index % 2 == 0 ? "user" : "assistant")", "content": "\#(text)"}"#
    }
    return Array(
        (#"{"model": "gpt-5-mini", "messages": ["# + messages.joined(separator: ", ")
            + #"], "temperature": 0.7, "max_tokens": 1024, "stream": true, "#
            + #""stream_options": {"include_usage": true}, "#
            + #""tools": [{"type": "function", "function": {"name": "search", "parameters": {"type": "object", "#
            + #""properties": {"query": {"type": "string"}, "limit": {"type": "integer"}}}}}]}"#).utf8)
}

let sentence =
    #"The answer is \"forty-two\", as everybody knows by now.\nIt was found after a long search; see above. "#
let smallBody = chatBody(text: String(repeating: sentence, count: 2) + "And so on, for a while.")
let textBody = chatBody(text: String(repeating: sentence, count: 325))
let imageBody: [UInt8] = {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    let image = (0..<200_000).map { alphabet[($0 &* 2_654_435_761 >> 7) & 63] }
    return Array(#"{"model":"m","stream":true,"messages":[{"role":"user","content":[{"type":"image_url","#.utf8)
        + Array(#""image_url":{"url":"data:image/png;base64,"#.utf8) + image + Array(#""}}]}]}"#.utf8)
}()
let chunk =
    #"data: {"id":"chatcmpl-abc123","object":"chat.completion.chunk","created":1700000000,"#
    + #""model":"gpt-5-mini","choices":[{"index":0,"delta":{"content":" token"},"finish_reason":null}]}"# + "\n\n"
let stream = Array(String(repeating: chunk, count: 100).utf8)

// MARK: - Runs

struct Pass {
    let search: Double
    let copy: Double
}

func title(_ text: String) {
    if !isForMachines { print(text) }
}

func report(_ document: String, _ name: String, _ time: Double, _ pass: Pass, per: Int = 1) {
    if isForMachines {
        let numbers = [fixed(time / Double(per), 3), fixed(time / pass.search, 2), fixed(time / pass.copy, 2)]
        return print(([document + ": " + name] + numbers).joined(separator: "\t"))
    }
    let unit = per == 1 ? "" : "   \(fixed(time / Double(per), 3)) us each"
    let ratios = "\(pad(fixed(time / pass.search, 2) + " x memchr", 16)) \(fixed(time / pass.copy, 2)) x memcpy"
    print("  \(pad(name, 34)) \(pad(fixed(time, 3) + " us", 14)) \(ratios)\(unit)")
}

func passes(_ bytes: UnsafeRawBufferPointer) -> Pass {
    let target = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 64)
    defer { target.deallocate() }
    let search = measure { sink &+= memchr(bytes.baseAddress!, 1, bytes.count) == nil ? 1 : 0 }
    let copy = measure { sink &+= Int(bitPattern: memcpy(target, bytes.baseAddress!, bytes.count)) & 1 }
    return Pass(search: search, copy: copy)
}

func benchJSON(_ name: String, _ document: [UInt8]) {
    title("\(name), \(document.count) bytes")
    document.withUnsafeBytes { bytes in
        let pass = passes(bytes)
        var scanner = JSONFieldScanner(["model", "stream", "stream_options", "max_tokens"])
        report(
            name, "scan 4 fields",
            measure {
                try! scanner.scan(bytes); sink &+= scanner[0]!.span.count
            }, pass)
        var tape = JSONTape()
        report(
            name, "tape",
            measure {
                try! tape.parse(bytes); sink &+= tape.count
            }, pass)
        let patches = [
            JSONPatchOperation.set("model", string: "another-model"),
            JSONPatchOperation("stream_options", "include_usage", value: Array("true".utf8)),
        ]
        var output: [UInt8] = []
        report(
            name, "patch model and include_usage",
            measure {
                output.removeAll(keepingCapacity: true)
                try! JSONPatch.apply(patches, to: bytes, into: &output)
                sink &+= output.count
            }, pass)
        let model = Array("\"another-model\"".utf8)
        report(
            name, "replace a field known by a scan",
            measure {
                output.removeAll(keepingCapacity: true)
                model.withUnsafeBytes { JSONPatch.replace(scanner[0]!.span, with: $0, in: bytes, into: &output) }
                sink &+= output.count
            }, pass)
        var writer = JSONWriter()
        report(
            name, "tree, parse and write",
            measure {
                writer.removeAll()
                writer.value(try! JSONValue(parsing: bytes))
            }, pass)
    }
}

func benchStream() {
    title("event stream, 100 chunks, \(stream.count) bytes")
    stream.withUnsafeBytes { bytes in
        let pass = passes(bytes)
        var splitter = SSEFrameSplitter()
        report("stream", "split, all in one read", measure { feed(&splitter, bytes, piece: bytes.count) }, pass, per: 100)
        report("stream", "split, one read per chunk", measure { feed(&splitter, bytes, piece: chunk.utf8.count) }, pass, per: 100)
        report("stream", "split, reads of 100 bytes", measure { feed(&splitter, bytes, piece: 100) }, pass, per: 100)
        var tape = JSONTape()
        report("stream", "split and tape", measure { feed(&splitter, bytes, piece: bytes.count, &tape) }, pass, per: 100)
        var output: [UInt8] = []
        report(
            "stream", "write",
            measure {
                output.removeAll(keepingCapacity: true)
                let data = UnsafeRawBufferPointer(rebasing: bytes[6..<chunk.utf8.count - 2])
                for _ in 0..<100 { SSEWriter.append(event: nil, data: data, to: &output) }
            }, pass, per: 100)
    }
}

func feed(_ splitter: inout SSEFrameSplitter, _ bytes: UnsafeRawBufferPointer, piece: Int) {
    var start = 0
    while start < bytes.count {
        let end = min(start + piece, bytes.count)
        let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        var position = 0
        while let frame = try! splitter.next(in: part, at: &position) { sink &+= frame.data!.count }
        start = end
    }
}

func feed(_ splitter: inout SSEFrameSplitter, _ bytes: UnsafeRawBufferPointer, piece: Int, _ tape: inout JSONTape) {
    var position = 0
    while let frame = try! splitter.next(in: bytes, at: &position) {
        try! tape.parse(frame.data!)
        sink &+= tape.member(tape.root, named: "choices")!.position
    }
}

benchJSON("chat body", smallBody)
benchJSON("text", textBody)
benchJSON("base64 image", imageBody)
benchStream()
if sink == 0 { print("nothing was done") }
