import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct LedgerDamageTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A segment of a dead writer with three finished requests, and the offset behind each of its records.
    private func segment() throws -> (name: String, bytes: Data, ends: [Int]) {
        let writer = try LedgerWriter(directory: scratch.path, loop: 0, segmentBytes: 65_536)
        for index in 0..<3 {
            var record = RequestRecord.sample("r\(index)", time: Int64(index))
            record.attempts = []
            record.warnings = []
            writer.finish(record)
        }
        writer.abandon()
        let name = try #require(try scratch.segments.first)
        let bytes = try scratch.bytes(of: name)
        var ends: [Int] = []
        var offset = LedgerFormat.headerBytes
        while bytes[offset] != 0 || bytes[offset + 1] != 0 {
            offset += LedgerFormat.recordHeaderBytes + Int(bytes[offset]) + Int(bytes[offset + 1]) << 8
            ends.append(offset)
        }
        return (name, bytes, ends)
    }

    private func read(_ name: String) throws -> [String] {
        let name = try #require(LedgerSegmentName(name))
        let reader = try LedgerSegmentReader(directory: scratch.path + "/ledger", name: name)
        var ids: [String] = []
        while let entry = reader.next(abandoned: true) {
            if case .finish(let finish, _, _) = entry { ids.append(try #require(finish.record).id) }
        }
        return ids
    }

    @Test func aSegmentCutAnywhereYieldsExactlyItsWholeRecords() throws {
        let (name, bytes, ends) = try segment()
        for length in LedgerFormat.headerBytes...(try #require(ends.last)) + 8 {
            try scratch.write(bytes.prefix(length), to: name)
            let whole = ends.filter { $0 <= length }.count
            #expect(try read(name) == (0..<whole).map { "r\($0)" }, "cut at \(length)")
        }
    }

    @Test func aTailOfZerosFromAnywhereYieldsExactlyItsWholeRecords() throws {
        let (name, bytes, ends) = try segment()
        for length in LedgerFormat.headerBytes...(try #require(ends.last)) {
            var torn = bytes
            torn.resetBytes(in: length..<torn.count)
            try scratch.write(torn, to: name)
            // The last bytes of a record are padding, which is zero anyway.
            let whole = ends.filter { end in !bytes[min(length, end)..<end].contains { $0 != 0 } }.count
            #expect(try read(name) == (0..<whole).map { "r\($0)" }, "zeros from \(length)")
        }
    }

    @Test func aRecordThatWasNotCommittedIsNoDamage() throws {
        let (name, bytes, ends) = try segment()
        var unfinished = bytes
        let tail = try #require(ends.last)
        unfinished.replaceSubrange((tail + 8)..<(tail + 200), with: bytes[(ends[0] + 8)..<(ends[0] + 200)])
        try scratch.write(unfinished, to: name)
        let segment = try #require(LedgerSegmentName(name))
        let reader = try LedgerSegmentReader(directory: scratch.path + "/ledger", name: segment)
        for _ in 0..<3 { #expect(reader.next(abandoned: true) != nil) }
        #expect(reader.next(abandoned: true) == nil)
        #expect(reader.damagedBytes == 0)
    }

    @Test func aFlippedByteAnywhereCostsOnlyItsRecord() throws {
        let (name, bytes, ends) = try segment()
        for offset in LedgerFormat.headerBytes..<(try #require(ends.last)) {
            var damaged = bytes
            damaged[offset] ^= 0x41
            try scratch.write(damaged, to: name)
            let hit = try #require(ends.firstIndex { offset < $0 })
            #expect(try read(name) == (0..<3).filter { $0 != hit }.map { "r\($0)" }, "flipped \(offset)")
        }
    }

    @Test func aHeaderCutOrDamagedIsRefusedAndNeverTraps() throws {
        let (name, bytes, _) = try segment()
        for offset in 0..<LedgerFormat.headerBytes {
            try scratch.write(bytes.prefix(offset), to: name)
            #expect(throws: LedgerSegmentReader.Failure.self) { try read(name) }
            var damaged = bytes
            damaged[offset] ^= 0xFF
            try scratch.write(damaged, to: name)
            _ = try? read(name)
        }
    }

    /// Checksums are keyed by segment, so that no text a client sends can pass for a record.
    @Test func aRecordOfAnotherSegmentIsNotTaken() throws {
        let (first, foreign, ends) = try segment()
        try FileManager.default.removeItem(atPath: scratch.segmentPath(first))
        let (name, bytes, _) = try segment()
        var spliced = bytes
        spliced.replaceSubrange(LedgerFormat.headerBytes..<ends[0], with: foreign[LedgerFormat.headerBytes..<ends[0]])
        try scratch.write(spliced, to: name)
        #expect(try read(name) == ["r1", "r2"])
    }

    @Test func randomBytesNeverTrapTheReader() throws {
        var random = SeededGenerator(seed: 42)
        let (name, bytes, ends) = try segment()
        for _ in 0..<500 {
            var damaged = bytes.prefix(ends[2] + 64)
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                let offset = Int.random(in: LedgerFormat.stateOffset..<damaged.count, using: &random)
                damaged[offset] = UInt8.random(in: 0...255, using: &random)
            }
            try scratch.write(damaged, to: name)
            #expect(try Set(read(name)).isSubset(of: ["r0", "r1", "r2"]))
        }
    }
}

/// SplitMix64: the same numbers for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mix = state
        mix = (mix ^ (mix >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mix = (mix ^ (mix >> 27)) &* 0x94D0_49BB_1331_11EB
        return mix ^ (mix >> 31)
    }
}
