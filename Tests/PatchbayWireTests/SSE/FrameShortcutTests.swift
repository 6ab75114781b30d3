import Testing

@testable import PatchbayWire

@Suite("Frames that are the same but for a few places")
struct FrameShortcutTests {
    private static let frame = #"data: {"id":"c","n":7,"t":"Hello","noise":"abc"}"# + "\n\n"

    private func hole(_ kind: FrameHole.Kind, _ text: String, in frame: String = frame) throws -> FrameHole {
        let range = try #require(frame.firstRange(of: text))
        let start = frame.utf8.distance(from: frame.startIndex, to: range.lowerBound)
        return FrameHole(kind, start..<start + text.utf8.count)
    }

    private func passing() throws -> FrameShortcut {
        let holes = [try hole(.digits, "7"), try hole(.string, "Hello"), try hole(.string, "abc")]
        return try #require(Array(Self.frame.utf8).withUnsafeBytes { FrameShortcut(passing: $0, holes) })
    }

    private func converting() throws -> FrameShortcut {
        let holes = [try hole(.digits, "7"), try hole(.text, "Hello"), try hole(.string, "abc")]
        return try #require(
            Array(Self.frame.utf8).withUnsafeBytes {
                FrameShortcut(converting: $0, holes, before: Array("<\"".utf8), behind: Array("\">".utf8))
            })
    }

    private func take(_ shortcut: FrameShortcut, _ stream: [UInt8]) -> (output: String, rest: Int, run: FrameRun) {
        var output: [UInt8] = []
        var position = 0
        let run = stream.withUnsafeBytes { shortcut.take($0, from: &position, into: &output) }
        return (String(decoding: output, as: UTF8.self), stream.count - position, run)
    }

    private func frame(_ number: String, _ text: String, _ noise: String = "") -> String {
        #"data: {"id":"c","n":\#(number),"t":"\#(text)","noise":"\#(noise)"}"# + "\n\n"
    }

    @Test("Any number of them is passed on as they are, up to the first other one")
    func passesOn() throws {
        let same = frame("0", "", "x") + frame("123456", #"a \"b\" \u00e9\/"#, String(repeating: "z", count: 90))
        let taken = take(try passing(), Array((same + "data: [DONE]\n\n").utf8))
        #expect(taken.output == same && taken.rest == 14 && taken.run.frames == 2)
        #expect(taken.run.newest == frame("123456", #"a \"b\" \u00e9\/"#, String(repeating: "z", count: 90)).utf8.count)
        #expect(taken.run.bytes == frame("0", "", "x").utf8.count && taken.run.smallest == taken.run.bytes)
    }

    @Test("Only the text of a converted frame is written, and its length counted without escapes")
    func converts() throws {
        let taken = take(try converting(), Array((frame("8", #"ü\n"#, "q") + frame("9", "x")).utf8))
        #expect(taken.output == #"<"ü\n"><"x">"# && taken.rest == 0)
        #expect(taken.run.frames == 2 && taken.run.textBytes == 4)
    }

    @Test("A frame that is not all there is left, wherever it is cut")
    func truncated() throws {
        let whole = Array(frame("8", "some text that is longer than one block", "noise").utf8)
        for shortcut in [try passing(), try converting()] {
            for count in 0..<whole.count {
                let taken = take(shortcut, Array(whole[..<count]))
                #expect(taken.rest == count && taken.run.frames == 0 && taken.output.isEmpty)
            }
            #expect(take(shortcut, whole).rest == 0)
        }
    }

    @Test("A frame that differs anywhere else is left")
    func otherBytes() throws {
        let shortcut = try passing()
        let bytes = Array(Self.frame.utf8)
        let holes = [try hole(.digits, "7"), try hole(.string, "Hello"), try hole(.string, "abc")].map(\.range)
        for index in bytes.indices where !holes.contains(where: { $0.contains(index) }) {
            var other = bytes
            other[index] ^= 1
            #expect(take(shortcut, other).run.frames == 0)
            other[index] = UInt8(ascii: "\"")
            if bytes[index] != UInt8(ascii: "\"") { #expect(take(shortcut, other).run.frames == 0) }
        }
    }

    @Test(
        "Numbers and strings have to be what JSON allows",
        arguments: [
            ("", "a"), ("-1", "a"), ("01", "a"), ("1.5", "a"), ("1e3", "a"), ("1234567890123456789", "a"), ("1", "\n"),
            ("1", "\t"), ("1", "a\\"), ("1", #"\x"#), ("1", #"\u12g4"#), ("1", #"a","b":"c"#), ("1", "\u{1}"),
        ])
    func malformed(number: String, text: String) throws {
        #expect(take(try passing(), Array(frame(number, text).utf8)).run.frames == 0)
        #expect(take(try converting(), Array(frame(number, text).utf8)).run.frames == 0)
    }

    @Test(
        "Texts that a writer would write in another way are left to it",
        arguments: ["", #"\/"#, #"\u00e9"#, #"\ud83d"#, #"\ud83d\ude00"#, #"a\u0041"#])
    func unusualTexts(text: String) throws {
        #expect(take(try converting(), Array(frame("1", text).utf8)).run.frames == 0)
        #expect(take(try passing(), Array(frame("1", text).utf8)).run.frames == 1)
    }

    @Test(
        "Bytes that are not UTF-8 are left to those who repair them",
        arguments: [
            [0xFF], [0xC3], [0xC3, 0x28], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func invalidText(bytes: [UInt8]) throws {
        let parts = frame("1", "@").split(separator: "@").map { Array($0.utf8) }
        #expect(take(try converting(), parts[0] + bytes + parts[1]).run.frames == 0)
        #expect(take(try converting(), parts[0] + Array("é€😀".utf8) + parts[1]).run.frames == 1)
    }

    @Test("A value that was changed is changed in every frame, whether places come before or behind it")
    func changed() throws {
        for (old, new) in [("\"c\"", "\"another\""), ("{\"id\"", "{\"identity\""), ("}", ",\"x\":1}"), ("c", "d")] {
            let result = Self.frame.replacing(old, with: new, maxReplacements: 1)
            let holes = [try hole(.digits, "7"), try hole(.string, "Hello")]
            let starts = try [hole(.digits, "7", in: result), hole(.string, "Hello", in: result)].map(\.range.lowerBound)
            let shortcut = try #require(
                Array(Self.frame.utf8).withUnsafeBytes { frame in
                    Array(result.utf8).withUnsafeBytes {
                        FrameShortcut(passing: frame, holes, changed: $0, at: starts)
                    }
                })
            let taken = take(shortcut, Array(frame("12", "World", "abc").utf8))
            #expect(taken.output == frame("12", "World", "abc").replacing(old, with: new, maxReplacements: 1))
        }
    }

    @Test("Places that are not what they should be are refused")
    func refused() throws {
        let bytes = Array(Self.frame.utf8)
        let text = try hole(.string, "Hello").range
        let unsound: [[FrameHole]] = [
            [FrameHole(.string, text.lowerBound - 1..<text.upperBound)],
            [FrameHole(.string, text.lowerBound..<text.upperBound + 1)],
            [FrameHole(.digits, text)], [FrameHole(.string, 0..<3)],
            [FrameHole(.string, text), FrameHole(.string, text)],
            [FrameHole(.string, bytes.count - 1..<bytes.count)],
        ]
        for holes in unsound { #expect(bytes.withUnsafeBytes { FrameShortcut(passing: $0, holes) } == nil) }
        let long = Array(("data: \"" + String(repeating: "x", count: FrameShortcut.maximumBytes) + "\"\n\n").utf8)
        #expect(long.withUnsafeBytes { FrameShortcut(passing: $0, [FrameHole(.string, 7..<20)]) } == nil)
    }
}
