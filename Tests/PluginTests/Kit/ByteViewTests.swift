import PatchbayPlugin
import Testing

@Suite struct ByteViewTests {
    func view<Result>(_ text: String, _ body: (ByteView) -> Result) -> Result {
        var text = text
        return text.withUTF8 { body(ByteView(UnsafeRawBufferPointer($0))) }
    }

    @Test func absentAndEmptyDiffer() {
        #expect(ByteView.absent.isAbsent && ByteView.absent.isEmpty && ByteView.absent.optionalString == nil)
        let byte: UInt8 = 1
        withUnsafePointer(to: byte) { pointer in
            let empty = ByteView(base: pointer, count: 0)
            #expect(!empty.isAbsent && empty.isEmpty && empty.optionalString == "")
            #expect(empty != "x" && empty == "")
            #expect(!(empty == ByteView.absent))
        }
        #expect(ByteView.absent.hasPrefix("") && !ByteView.absent.hasPrefix("a"))
        #expect(ByteView.absent.offset(of: "a") == nil && ByteView.absent.trimmed.isEmpty)
    }

    @Test func comparesWithLiterals() {
        view("openai.chat") { text in
            #expect(text == "openai.chat" && text != "openai.cha" && text != "openai.chat2")
            #expect(text.hasPrefix("openai.") && text.hasSuffix(".chat") && !text.hasSuffix("xopenai.chat"))
            let isChat =
                switch text {
                case "openai.chat": true
                default: false
                }
            #expect(isChat)
        }
    }

    @Test func findsText() {
        view("abcABCabd") { text in
            #expect(text.offset(of: "abd") == 6 && text.offset(of: "ABC") == 3 && text.offset(of: "xyz") == nil)
            #expect(text.offset(of: "abc", from: 1, ignoringCase: true) == 3)
            #expect(text.offset(of: "", from: 4) == 4 && text.contains("bcab", ignoringCase: true))
            #expect(text.offset(of: "abdx") == nil)
        }
    }

    @Test func partsAndTrimming() {
        view(" \t a b \r\n") { text in
            #expect(text.trimmed == "a b" && text.trimmed.count == 3)
            #expect(text[3..<4].string == "a" && text[2] == 0x20)
        }
        view(" \n ") { #expect($0.trimmed.isEmpty) }
    }
}
