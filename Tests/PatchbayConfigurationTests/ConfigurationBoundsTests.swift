import PatchbayConfiguration
import PatchbayCore
import Testing

/// What a hostile or broken file can do: nothing but be refused.
@Suite struct ConfigurationBoundsTests {
    @Test func aliasesOfAliasesAreBounded() {
        var text = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
        for level in 1...12 {
            let items = Array(repeating: "*x\(level - 1)", count: 10).joined(separator: ", ")
            text += "x\(level): &x\(level) [\(items)]\n"
        }
        #expect(complaint(text).contains("The document has more than 500000 nodes after its aliases."))
    }

    @Test func depthIsBounded() {
        let deep = "sites: " + String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        #expect(complaint(deep) == "patchbay.yaml:1:72: The document is nested more than 64 deep.")
        let deepest = String(repeating: "[", count: 100_000)
        #expect(complaint(deepest) == "patchbay.yaml:1:66: The document is nested more than 64 deep.")
    }

    @Test func sizeIsBounded() throws {
        let bytes = [UInt8](repeating: 0x23, count: ConfigurationFile.longest + 1)
        #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.parse(bytes, file: "f", environment: [:])
        }
    }

    @Test func bytesThatAreNotTextAreReportedInTheirPlace() {
        do throws(ConfigurationError) {
            _ = try ConfigurationFile.parse(Array("a: 1\nb: é".utf8) + [0xFF, 0x0A], file: "f", environment: [:])
            Issue.record("accepted")
        } catch {
            #expect(error.description == "f:2:5: The file must be UTF-8 text.")
        }
    }

    @Test(arguments: 1...8)
    func mutationsOfTheExampleNeverTrap(seed: UInt64) {
        var random = SplitMix(state: seed)
        let original = Array(example.utf8)
        let special = Array("[]{}:,&*!|>'\"%@`#-?\n\t ${}<~\u{0}\u{FF}".utf8)
        for _ in 0..<150 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[position] = special[Int.random(in: 0..<special.count, using: &random)]
                case 1: bytes.remove(at: position)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
                default: bytes.removeSubrange(position..<min(position + 20, bytes.count))
                }
            }
            do throws(ConfigurationError) {
                _ = try ConfigurationFile.parse(bytes, file: "f", environment: [:])
            } catch {
                #expect(!error.problems.isEmpty)
            }
        }
    }
}

/// The same numbers for the same seed everywhere.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mix = state
        mix = (mix ^ (mix >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mix = (mix ^ (mix >> 27)) &* 0x94D0_49BB_1331_11EB
        return mix ^ (mix >> 31)
    }
}
