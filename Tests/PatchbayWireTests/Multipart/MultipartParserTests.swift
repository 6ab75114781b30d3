import PatchbayWire
import Testing

/// What a parser found: names with contents, or why it stopped.
private struct Reading: Equatable {
    var parts: [String: String] = [:]
    var names: [String] = []
    var contents: [[UInt8]] = []
    var isEnded = false
    var error: MultipartError.Code?

    init(_ body: [UInt8], boundary: String = "XX", step: Int? = nil, limits: MultipartLimits = MultipartLimits()) {
        var parser = MultipartParser(boundary: Array(boundary.utf8), limits: limits)
        do {
            for start in stride(from: 0, to: body.count, by: step ?? max(1, body.count)) {
                let chunk = Array(body[start..<min(start + (step ?? body.count), body.count)])
                try take(chunk, of: body, &parser)
            }
            try parser.finish()
        } catch {
            self.error = (error as? MultipartError)?.code
        }
    }

    private mutating func take(_ chunk: [UInt8], of body: [UInt8], _ parser: inout MultipartParser) throws {
        var position = 0
        while let event = try chunk.withUnsafeBytes({ try parser.next(in: $0, at: &position) }) {
            switch event {
            case .partBegan:
                names.append(parser.part.name)
                contents.append([])
            case .data(let range): contents[contents.count - 1] += body[range]
            case .partEnded:
                parts[names[names.count - 1]] = String(decoding: contents[contents.count - 1], as: UTF8.self)
            case .ended: isEnded = true
            }
        }
    }
}

private func form(_ parts: (String, String)..., end: String = "--XX--\r\n") -> [UInt8] {
    var text = ""
    for (head, content) in parts { text += "--XX\r\nContent-Disposition: form-data; \(head)\r\n\r\n\(content)\r\n" }
    return Array((text + end).utf8)
}

@Suite struct MultipartParserTests {
    @Test func findsPartsInOrder() {
        let body = form(("name=\"model\"", "whisper-1"), ("name=\"file\"; filename=\"a.wav\"", "\r\n--X\r\r\n--"))
        let reading = Reading(body)
        #expect(reading.names == ["model", "file"])
        #expect(reading.parts == ["model": "whisper-1", "file": "\r\n--X\r\r\n--"])
        #expect(reading.isEnded)
        #expect(reading.error == nil)
    }

    @Test func readsTheSameHoweverTheBodyIsCut() {
        let bodies = [
            form(("name=a", ""), ("name=\"b\"", "\r\n"), ("name=\"c\"", "--XX"), ("name=d", "\r\n-\r\n--X\r\n--Y")),
            Array("preamble\r\n".utf8) + form(("name=a", "1")) + Array("epilogue --XX\r\n".utf8),
            Array("--XX \t \r\nContent-Type: a\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--XX  \r\n".utf8)
                + Array("Content-Disposition: form-data; name=y\r\n\r\n2\r\n--XX--".utf8),
            form(("name=a", "1"), end: ""), form(("name=a", "1"), end: "--XXy\r\n"), Array("--XX--".utf8),
        ]
        for body in bodies {
            let whole = Reading(body)
            for step in 1...body.count { #expect(Reading(body, step: step) == whole, "step \(step)") }
        }
    }

    @Test func everyByteOfAFileSurvives() {
        let content = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var body = Array("--XX\r\nContent-Disposition: form-data; name=f; filename=\"x\"\r\n\r\n".utf8)
        body += content + Array("\r\n--XX--\r\n".utf8)
        for step in [1, 3, 4096, body.count] { #expect(Reading(body, step: step).contents == [content]) }
    }

    @Test func headersTellNameFileAndType() throws {
        let head = #"Content-Disposition: form-data; name="fi\"le"; filename="C:\a\"b.wav"; filename*=UTF-8''x"#
        let body = Array("--XX\r\n\(head)\r\ncontent-TYPE:  audio/wav \r\nX-Other: 1\r\n\r\n\r\n--XX--".utf8)
        var parser = MultipartParser(boundary: Array("XX".utf8))
        var position = 0
        let event = try body.withUnsafeBytes { try parser.next(in: $0, at: &position) }
        #expect(event == .partBegan)
        #expect(parser.part.name == "fi\"le")
        #expect(parser.part.nameIsAmbiguous)
        #expect(parser.part.filename == "C:\\a\"b.wav")
        #expect(parser.part.contentType == "audio/wav")
        #expect(parser.firstDelimiter == 0)
    }

    @Test(arguments: [
        ("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX", MultipartError.Code.truncated),
        ("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX-", .truncated),
        ("", .truncated), ("--X", .truncated),
        ("--XXY\r\n", .badDelimiter), ("--XX \tY\r\n", .badDelimiter), ("--XX-Y", .badDelimiter),
        ("--XX\rY", .badDelimiter),
        ("--XX\nContent-Disposition: form-data; name=a\n\n1\n--XX--", .badDelimiter),
        ("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--", .badDelimiter),
        ("--XX\r\nContent-Disposition: form-data; name=a\n\r\n", .badHeader),
        ("--XX\r\n no: folding\r\n\r\n", .badHeader), ("--XX\r\nno colon\r\n\r\n", .badHeader),
        ("--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n", .badHeader),
        ("--XX\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n", .badHeader),
        ("--XX\r\nContent-Disposition: form-data; name=a; name*=utf-8''b\r\n\r\n", .badHeader),
        ("--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n", .badHeader),
        (
            "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n",
            .badHeader
        ),
        ("--XX\r\nContent-Disposition: form-data\r\n\r\n", .missingName), ("--XX\r\n\r\n", .missingName),
    ])
    func refusesWhatReadersCouldTakeDifferently(text: String, code: MultipartError.Code) {
        let body = Array(text.utf8)
        for step in [1, 2, max(1, body.count)] { #expect(Reading(body, step: step).error == code) }
    }

    @Test func everyBoundHolds() {
        let limits = MultipartLimits(parts: 2, headers: 2, headerBytes: 100, fillBytes: 8)
        func error(_ body: [UInt8]) -> MultipartError.Code? { Reading(body, step: 5, limits: limits).error }
        #expect(error(form(("name=a", "1"), ("name=b", "2"))) == nil)
        #expect(error(form(("name=a", "1"), ("name=b", "2"), ("name=c", "3"))) == .tooManyParts)
        #expect(error(Array("--XX\r\nA: 1\r\nB: 2\r\nC: 3\r\n".utf8)) == .tooManyHeaders)
        #expect(error(Array("--XX\r\nA: \(String(repeating: "x", count: 100))".utf8)) == .headerTooLong)
        #expect(error(Array("--XX\r\n\(String(repeating: "A: 1\r\n", count: 40))".utf8)) == .tooManyHeaders)
        #expect(error(Array("too long a preamble".utf8)) == .preambleTooLong)
        #expect(error(Array("--XX          \r\n".utf8)) == .badDelimiter)
    }

    @Test func anErrorStays() {
        var parser = MultipartParser(boundary: Array("XX".utf8))
        for _ in 0..<2 {
            #expect(throws: MultipartError(.badDelimiter, offset: 4)) {
                var position = 0
                try Array("--XXY".utf8).withUnsafeBytes { bytes in
                    while try parser.next(in: bytes, at: &position) != nil {}
                }
            }
        }
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=XX", "XX"), ("Multipart/Form-Data;boundary=\"a b\"", "a b"),
        ("multipart/form-data; charset=utf-8; BOUNDARY=x;", "x"),
    ])
    func boundariesAreFoundInContentTypes(type: String, boundary: String) throws {
        let found = try Array(type.utf8).withUnsafeBytes { try MultipartParser.boundary(ofContentType: $0) }
        #expect(found == Array(boundary.utf8))
    }

    @Test(arguments: ["application/json", "", "multipart/mixed; boundary=x"])
    func otherContentTypesHaveNone(type: String) throws {
        #expect(try Array(type.utf8).withUnsafeBytes { try MultipartParser.boundary(ofContentType: $0) } == nil)
    }

    @Test(arguments: [
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=a\u{e4}", "multipart/form-data; boundary=\(String(repeating: "x", count: 71))",
        "multipart/form-data boundary=a; x",
    ])
    func unusableBoundariesAreRefused(type: String) {
        #expect(throws: MultipartError.self) {
            _ = try Array(type.utf8).withUnsafeBytes { bytes in
                guard let found = try MultipartParser.boundary(ofContentType: bytes) else {
                    throw MultipartError(.badBoundary, offset: 0)
                }
                return found
            }
        }
    }
}
