import Testing

@testable import PatchbayWire

@Suite struct JSONReaderTests {
    /// Every value by its path, entering every container.
    private func leaves(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> [String] {
        var found: [String] = []
        var reader = try JSONReader(bytes)
        try note("", &reader, bytes, &found)
        try reader.expectEnd()
        return found
    }

    private func note(
        _ path: String, _ reader: inout JSONReader, _ bytes: UnsafeRawBufferPointer, _ found: inout [String]
    ) throws(JSONError) {
        if try reader.isAtObject() {
            try reader.object { name, reader throws(JSONError) in
                let known = name.equals("a") ? "a" : name.equals("naïve") ? "naïve" : "?"
                try note("\(path).\(known)", &reader, bytes, &found)
            }
        } else if try reader.isAtArray() {
            try reader.array { position, reader throws(JSONError) in
                try note("\(path)[\(position)]", &reader, bytes, &found)
            }
        } else {
            let field = try reader.value()
            found.append("\(path)=\(String(decoding: field.bytes(in: bytes), as: UTF8.self))")
        }
    }

    private func leaves(_ text: String) throws(JSONError) -> [String] {
        try Array(text.utf8).withDocument { bytes throws(JSONError) in try leaves(bytes) }
    }

    @Test func everyValueCanBeEnteredOrSteppedOver() throws {
        #expect(
            try leaves(#" {"a" : [1, {"\u0061":"x\"y"}, [] ], "na\u00efve":{}, "b":null} "#) == [
                ".a[0]=1", ".a[1].a=\"x\\\"y\"", ".?=null",
            ])
        #expect(try leaves("[true]") == ["[0]=true"])
        let whole = try Array(#"{"a":{"b":[1,2]},"c":3}"#.utf8).withDocument { bytes throws(JSONError) in
            var kinds: [JSONKind] = []
            var reader = try JSONReader(bytes)
            try reader.object { _, reader throws(JSONError) in kinds.append(try reader.value().kind) }
            return kinds
        }
        #expect(whole == [.object, .number])
    }

    /// What the scanner refuses, the reader refuses, wherever a document is cut and whichever byte is changed.
    @Test func itRefusesWhatTheScannerRefuses() {
        let text = Array(#"{"a":[1,-2.5e3,{"a":"\n\u00e9"},[[]]],"b":{"c":{}},"d":true,"e":null}"#.utf8)
        for end in 1...text.count { compare(Array(text[..<end])) }
        for index in text.indices {
            for byte in [UInt8(ascii: "{"), 0x5d, 0x2c, 0x22, 0x3a, 0x30, 0x20, 0x01] {
                var changed = text
                changed[index] = byte
                compare(changed)
            }
        }
    }

    private func compare(_ document: [UInt8]) {
        document.withUnsafeBytes { bytes in
            let isScanned = (try? JSONFieldScanner.scanTopLevel(bytes, names: [])) != nil
            let isObject = bytes.first { $0 > 0x20 } == UInt8(ascii: "{")
            let isRead = (try? leaves(bytes)) != nil && isObject
            #expect(isScanned == isRead, "\(String(decoding: document, as: UTF8.self))")
        }
    }

    @Test func depthIsBounded() {
        let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(throws: Never.self) { try leaves(deepest) }
        #expect(throws: JSONError.self) { try leaves("[" + deepest + "]") }
    }

    @Test func aCallerThatTakesNothingIsRefused() {
        #expect(throws: JSONError.self) {
            try Array(#"{"a":1}"#.utf8).withDocument { bytes throws(JSONError) in
                var reader = try JSONReader(bytes)
                try reader.object { _, _ in }
            }
        }
    }
}
