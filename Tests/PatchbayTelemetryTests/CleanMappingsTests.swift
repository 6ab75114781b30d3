import Testing

@testable import PatchbayTelemetry

/// Mappings whose pages can be given back, from the text of `/proc/PID/smaps`.
struct CleanMappingsTests {
    private static let text = """
        55d0c0000000-55d0c0100000 r--p 00000000 08:01 77    /usr/bin/patchbay
        Size:               1024 kB
        Anonymous:             0 kB
        VmFlags: rd mr mw me
        55d0c0100000-55d0c0200000 r-xp 00100000 08:01 77    /usr/bin/patch bay
        Anonymous:             0 kB
        55d0c0200000-55d0c0210000 r--p 00200000 08:01 77    /usr/bin/patchbay
        Anonymous:             8 kB
        55d0c0210000-55d0c0220000 rw-p 00210000 08:01 77    /usr/bin/patchbay
        Anonymous:             0 kB
        55d0c0220000-55d0c0230000 r--s 00210000 08:01 78    /var/ledger
        Anonymous:             0 kB
        7f0000000000-7f0000001000 r--p 00000000 00:00 0
        Anonymous:             0 kB
        7f0000001000-7f0000002000 r-xp 00000000 00:00 0     [vdso]
        Anonymous:             0 kB
        7f0000002000-7f0000002000 r-xp 00000000 08:01 79    /empty
        Anonymous:             0 kB
        zzzz-7f0000002000 r-xp 00000000 08:01 79    /broken
        Anonymous:             0 kB

        """

    private func found(_ pieces: [ArraySlice<UInt8>]) -> [Range<UInt>] {
        var mappings = CleanMappings()
        var found: [Range<UInt>] = []
        for piece in pieces {
            piece.withUnsafeBytes { bytes in mappings.take(bytes) { found.append($0) } }
        }
        return found
    }

    @Test func onlyUnchangedPagesOfFilesThatNobodyWritesToAreFound() {
        let bytes = Array(Self.text.utf8)
        let expected: [Range<UInt>] = [0x55d0_c000_0000..<0x55d0_c010_0000, 0x55d0_c010_0000..<0x55d0_c020_0000]
        #expect(found([bytes[...]]) == expected)
        for split in bytes.indices { #expect(found([bytes[..<split], bytes[split...]]) == expected) }
    }

    @Test func aLineThatNeverEndsIsNotKept() {
        let head = Array("55d0c0000000-55d0c0100000 r--p 00000000 08:01 77    /".utf8)
        let tail = Array("\nAnonymous:             0 kB\n".utf8)
        #expect(found([head[...], Array(repeating: 0x61, count: 100_000)[...], tail[...]]).isEmpty)
        #expect(found([head[...], Array(repeating: 0x61, count: 4_000)[...], tail[...]]).count == 1)
    }

    @Test func thisProcessHasSome() {
        var count = 0
        CleanMappings.ofThisProcess { range in count += range.count }
        #expect(count > 0)
    }
}
