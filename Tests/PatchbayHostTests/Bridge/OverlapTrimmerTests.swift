import Testing

@testable import PatchbayHost

/// What is left of the beginning of a continuation.
struct OverlapTrimmerTests {
    /// The continuation as the client gets it; the text is handed over in two pieces.
    private func joined(_ delivered: String, _ text: String, split: Int) -> String {
        let all = Array(delivered.utf8)
        let end = (all.lastIndex { !$0.isWhiteSpace } ?? -1) + 1
        var trimmer = OverlapTrimmer(after: all[..<end], space: all[end...])
        let bytes = Array(text.utf8)
        var output = trimmer.take(bytes[..<split])
        output += trimmer.take(bytes[split...])
        output += trimmer.finish()
        return String(decoding: output, as: UTF8.self)
    }

    @Test(arguments: [
        ("It was late", " and cold.", " and cold."),
        ("It was late ", " and cold.", "and cold."),
        ("It was late ", "and cold.", "and cold."),
        ("A list:\n", "\n\n- one", "\n- one"),
        ("A list:\n\n", "\n- one", "- one"),
        ("A list: ", "\n- one", "\n- one"),
        ("The ship came home at last", "came home at last, they say", ", they say"),
        ("The ship came home at last ", "came home at last, they say", ", they say"),
        ("The ship came home at last ", "came home at last and sank", "and sank"),
        ("The Übermut des Käpt'ns war groß", "des Käpt'ns war groß, ja", ", ja"),
        // Few words may be said twice on purpose.
        ("very, very", " very, very old", " very, very old"),
        ("ha ha", "ha ha", "ha ha"),
        // A line of dashes goes on as it began.
        ("| a | b |\n|---------------------", "---------------------|", "---------------------|"),
        ("row 1, row 2, row 3\nrow 1, row 2, row 3\n", "row 1, row 2, row 3\n", "row 1, row 2, row 3\n"),
        // What begins like a repetition and is none.
        ("The ship came home at last", "came home at lunch", "came home at lunch"),
        ("The ship came home at last", "came home", "came home"),
        ("", "all", "all"),
    ])
    func theClientGetsEachWordOnce(delivered: String, text: String, expected: String) {
        for split in 0...text.utf8.count {
            #expect(joined(delivered, text, split: split) == expected, "split at \(split)")
        }
    }

    @Test func whatIsHeldBackIsBounded() {
        let line = Array((0..<400).map { "\($0) " }.joined().utf8)
        var trimmer = OverlapTrimmer(after: line[...], space: [])
        let output = trimmer.take(line) + trimmer.take(line) + trimmer.finish()
        #expect(output.count >= 2 * line.count - OverlapTrimmer.longest)
    }

    @Test func textIsHandedOnAsSoonAsItIsNoRepetition() {
        var trimmer = OverlapTrimmer(after: Array("The ship came home".utf8)[...], space: [])
        #expect(trimmer.take(Array("sh".utf8)).isEmpty)
        #expect(trimmer.take(Array("ore".utf8)) == Array("shore".utf8))
        #expect(trimmer.take(Array("ship".utf8)) == Array("ship".utf8))
    }
}
