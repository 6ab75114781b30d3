import Foundation
import Testing

@testable import PatchbayHost

struct ImagePreflightTests {
    let workshop: Workshop
    let image: [UInt8]

    init() throws {
        workshop = try Workshop()
        image = [UInt8](try Data(contentsOf: URL(fileURLWithPath: try workshop.build())))
    }

    private func preflight(_ bytes: [UInt8]) throws(PluginRefusal) -> ImagePreflight {
        try bytes.withUnsafeBufferPointer { bytes throws(PluginRefusal) in
            try ImagePreflight(of: UnsafeRawBufferPointer(bytes))
        }
    }

    private func refusal(_ bytes: [UInt8]) -> PluginRefusal? {
        do throws(PluginRefusal) {
            _ = try preflight(bytes)
            return nil
        } catch {
            return error
        }
    }

    private func build(_ defines: String...) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: try workshop.build("other.so", defines: defines))))
    }

    @Test func readsEntryManifestAndNeededLibraries() throws {
        let result = try preflight(image)
        #expect(result.entry == "patchbay_entry_v1__exerciser")
        #expect(result.manifest.id == "exerciser")
        #expect(result.manifest.version == "1.2.3")
        #expect(result.image.needed.contains("libc.so.6"))
        #expect(result.manifestBytes.text == Workshop.manifest())
    }

    @Test func refusesWhatIsNoImage() {
        #expect(refusal([])?.sentence == "The file is not an ELF image.")
        #expect(refusal(Array("#!/bin/sh\n".utf8))?.sentence == "The file is not an ELF image.")
        #expect(refusal(Array(image[..<40]))?.code == .malformedImage)
    }

    @Test func namesBothArchitectures() {
        var other = image
        other[18] = ELF.hostMachine == 62 ? 183 : 62
        let host = ELF.machineName(ELF.hostMachine)
        let built = ELF.hostMachine == 62 ? "aarch64" : "x86_64"
        #expect(refusal(other)?.code == .wrongArchitecture)
        #expect(refusal(other)?.sentence == "The file is built for \(built); this host is \(host).")
        other[4] = 1
        other[18] = 3
        #expect(refusal(other)?.sentence == "The file is built for 32 bits (x86 (32-bit)); this host is \(host).")
        other = image
        other[5] = 2
        #expect(refusal(other)?.sentence == "The file is built for a big-endian machine; plugins are little-endian.")
    }

    @Test func refusesAnExecutable() throws {
        var program = image
        program[16] = 2
        #expect(refusal(program)?.sentence == "The file is an ELF image but not a shared library.")
    }

    @Test func namesBothEntryFunctions() throws {
        #expect(
            refusal(try build("SECOND_ENTRY=patchbay_entry_v1"))?.sentence
                == "The image exports 2 entry functions (patchbay_entry_v1, patchbay_entry_v1__exerciser); exactly one is "
                + "allowed.")
    }

    @Test func tellsAnotherMajorVersionFromNoEntryAtAll() throws {
        #expect(
            refusal(try build("ENTRY=patchbay_entry_v2__x"))?.sentence
                == "The image is built for major version 2 of the plugin ABI; this host has 1.1.")
        #expect(
            refusal(try build("ENTRY=patchbay_entry_v10"))?.sentence
                == "The image is built for major version 10 of the plugin ABI; this host has 1.1.")
        let none = refusal(try build("ENTRY=something_else"))
        #expect(none?.code == .noEntry)
        #expect(none?.sentence == "The image exports no function whose name begins with patchbay_entry_v1.")
    }

    @Test func refusesAnImageWithoutManifest() throws {
        #expect(
            refusal(try build("NO_SECTION"))?.sentence == "The image has no section .patchbay.manifest.")
    }

    @Test func noTruncationCrashesOrPasses() {
        for length in stride(from: 0, to: image.count, by: 64) {
            #expect(refusal(Array(image[..<length])) != nil, "cut to \(length) bytes")
        }
    }

    @Test func randomDamageNeverCrashes() {
        var random = SplitMix(state: 42)
        for _ in 0..<2000 {
            var damaged = image
            for _ in 0..<(1 + Int(random.next() % 8)) {
                // Half of the damage goes to the headers, where it hurts.
                let range = random.next() % 2 == 0 ? 1024 : damaged.count
                let isSectionHeader = random.next() % 4 == 0
                let offset = Int(random.next() % UInt64(range))
                damaged[isSectionHeader ? damaged.count - 1 - offset % 2048 : offset] = UInt8(
                    truncatingIfNeeded: random.next())
            }
            _ = refusal(damaged)
        }
    }

    @Test func everyValueOfEveryHeaderFieldIsBounded() {
        for offset in 0..<64 {
            for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
                var damaged = image
                damaged[offset] = value
                _ = refusal(damaged)
            }
        }
    }
}

/// A small random source with a seed, so that failures can be repeated.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
