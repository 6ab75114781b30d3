import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite("Records of plain successes")
struct LedgerPlainTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Numbers at the bounds of what a plain record holds, and beyond them.
    private static func records(seed: UInt64) -> [RequestRecord] {
        var random = SeededGenerator(seed: seed)
        func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
        let counters: [UInt64?] = [nil, 0, 1, 312, 0xFFFF_FFFE, 0xFFFF_FFFF, 1 << 32, .max]
        let times = [0, 1, 7, 0xFFFF_FFFE, 0xFFFF_FFFF, 1 << 33, -1]
        return (0..<300).map { index in
            var record = RequestRecord.plainSample("req_\(seed)_\(index)", time: 1_700_000_000_000 + Int64(index / 7))
            record.key = pick(["dev", "", "kéy"])
            record.model = pick(["gpt-4o", "m", String(repeating: "x", count: 256)])
            record.site = pick(["alpha", "beta", ""])
            record.errorCode = pick(["", "none"])
            record.status = pick([200, 201, 0, 65_535, 65_536, -1])
            record.outcome = pick([.completed, .truncated, .cancelled])
            record.stream = Bool.random(using: &random)
            record.latencyMilliseconds = pick(times)
            record.firstTokenMilliseconds = pick([nil, 0, 45, 0xFFFF_FFFF])
            record.cost = Money(picodollars: pick([0, 1, .max, .min, -5]))
            record.usage = TokenUsage(
                input: pick(counters), output: pick(counters), cached: pick(counters), cacheWrite: pick(counters),
                reasoning: pick(counters), estimated: Bool.random(using: &random))
            record.attempts[0].site = record.site
            record.attempts[0].status = record.status
            record.attempts[0].milliseconds = pick(times)
            return record
        }
    }

    @Test("Their rows are those of records in full", arguments: 1...8)
    func likeInFull(seed: UInt64) async throws {
        let other = try Scratch()
        let (store, reference) = (try scratch.store(), try other.store())
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        let full = try LedgerWriter(directory: other.path, loop: 0)
        for record in Self.records(seed: seed) {
            let words = try #require(LedgerWords(record))
            writer.finish(record, words: words, place: writer.begin(record, words: words))
            full.begin(id: record.id, time: record.time, key: record.key, model: record.model)
            full.finish(record)
        }
        try scratch.importer(store).drain()
        try other.importer(reference).drain()
        let rows = try await store.everyRequest()
        #expect(rows.count == 300)
        #expect(rows == (try await reference.everyRequest()))
    }

    @Test("A record that says more has no words")
    func saysMore() {
        let record = RequestRecord.plainSample("r")
        #expect(LedgerWords(record) != nil)
        let changes: [(inout RequestRecord) -> Void] = [
            { $0.warnings = ["w"] }, { $0.attempts = [] }, { $0.attempts.append($0.attempts[0]) },
            { $0.attempts[0].site = "other" }, { $0.attempts[0].account = "other" },
            { $0.attempts[0].upstreamModel = "other" }, { $0.attempts[0].status = 500 },
            { $0.attempts[0].fault = "rate" }, { $0.attempts[0].reason = "why" },
        ]
        for change in changes {
            var changed = record
            change(&changed)
            #expect(LedgerWords(changed) == nil)
        }
    }

    @Test("Places pair ends with beginnings across segments, importers and restarts", arguments: [true, false])
    func places(sameImporter: Bool) async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0, segmentBytes: 65_536)
        let words = try #require(LedgerWords(.plainSample("")))
        var open: [(RequestRecord, LedgerPlace)] = []
        var expected: [String: RequestOutcome] = [:]
        let importer = try scratch.importer(store)
        for index in 0..<3_000 {
            let record = RequestRecord.plainSample("r\(index)", time: Int64(index))
            open.append((record, writer.begin(record, words: words)))
            // Some stay for long, one of a hundred for ever.
            let ended = index % 97 == 0 ? open.count / 2 : open.count - 1
            if index % 100 != 0 {
                let (record, place) = open.remove(at: ended)
                writer.finish(record, words: words, place: place)
                expected[record.id] = .completed
            }
            if index % 500 == 0 { try (sameImporter ? importer : scratch.importer(store)).drain() }
        }
        for (record, _) in open { expected[record.id] = .interrupted }
        #expect(writer.statistics.segments > 5)
        writer.abandon()
        try importer.drain()
        try scratch.importer(store).drain()
        let rows = try await store.everyRequest()
        #expect(rows.count == expected.count)
        #expect(Dictionary(uniqueKeysWithValues: rows.map { ($0.id, $0.outcome) }) == expected)
        for row in rows where row.outcome == .interrupted { #expect(row.key == "dev" && row.model == "gpt-4o") }
        #expect(try scratch.segments.isEmpty)
    }

    @Test("A failure in full finds its beginning by the place, too")
    func failureInFull() async throws {
        let store = try scratch.store()
        let writer = try LedgerWriter(directory: scratch.path, loop: 0)
        let words = try #require(LedgerWords(.plainSample("")))
        let record = RequestRecord.sample("r1")
        writer.finish(record, place: writer.begin(record, words: words))
        writer.abandon()
        #expect(try scratch.importer(store).drain() == 1)
        #expect(try await store.everyRequest() == [record])
    }

    /// A segment with plain records, and its words.
    private func segment(_ count: Int, bytes: Int = 65_536) throws -> (name: String, bytes: Data) {
        let writer = try LedgerWriter(directory: scratch.path, loop: 0, segmentBytes: bytes)
        let words = try #require(LedgerWords(.plainSample("")))
        for index in 0..<count { writer.finish(.plainSample("r\(index)"), words: words, place: .unknown) }
        writer.abandon()
        let name = try #require(try scratch.segments.first)
        return (name, try scratch.bytes(of: name))
    }

    private func read(_ name: String) throws -> (ids: [String], damaged: Int) {
        let name = try #require(LedgerSegmentName(name))
        let reader = try LedgerSegmentReader(directory: scratch.path + "/ledger", name: name)
        var ids: [String] = []
        while let entry = reader.next(abandoned: true) {
            if case .finish(_, let id, _) = entry { ids.append(String(decoding: id, as: UTF8.self)) }
        }
        return (ids, reader.damagedBytes)
    }

    private func recordEnds(_ bytes: Data) -> [Int] {
        var ends: [Int] = []
        var offset = LedgerFormat.headerBytes
        while bytes[offset] != 0 || bytes[offset + 1] != 0 {
            offset += LedgerFormat.recordHeaderBytes + Int(bytes[offset]) + Int(bytes[offset + 1]) << 8
            ends.append(offset)
        }
        return ends
    }

    @Test("A segment that is cut anywhere yields exactly its whole records")
    func cut() throws {
        let (name, bytes) = try segment(3)
        let ends = recordEnds(bytes)
        for length in LedgerFormat.headerBytes...(try #require(ends.last)) + 8 {
            try scratch.write(bytes.prefix(length), to: name)
            // The first record has the words.
            let whole = max(ends.filter { $0 <= length }.count - 1, 0)
            #expect(try read(name).ids == (0..<whole).map { "r\($0)" }, "cut at \(length)")
        }
    }

    @Test("A flipped byte costs its record, and one in the words those that refer to them")
    func flipped() throws {
        let (name, bytes) = try segment(3)
        let ends = recordEnds(bytes)
        for offset in LedgerFormat.headerBytes..<(try #require(ends.last)) {
            var damaged = bytes
            damaged[offset] ^= 0x41
            try scratch.write(damaged, to: name)
            let hit = try #require(ends.firstIndex { offset < $0 })
            let (ids, lost) = try read(name)
            #expect(ids == (hit == 0 ? [] : (0..<3).filter { $0 != hit - 1 }.map { "r\($0)" }), "flipped \(offset)")
            #expect(lost > 0)
        }
    }

    @Test("Words are written again after a while, so that damage to them reaches no further")
    func reach() throws {
        let count = 6_000
        let (name, bytes) = try segment(count, bytes: 1 << 20)
        #expect(try read(name).ids.count == count)
        var damaged = bytes
        damaged[LedgerFormat.headerBytes + 20] ^= 0x41
        try scratch.write(damaged, to: name)
        let (ids, _) = try read(name)
        let lost = LedgerFormat.wordsReach / ((try #require(recordEnds(bytes).last)) / count)
        #expect(ids.last == "r\(count - 1)" && ids.count < count && ids.count > count - lost - 10)
    }

    @Test("Bytes at random never trap the reader")
    func random() throws {
        var random = SeededGenerator(seed: 7)
        let (name, bytes) = try segment(4)
        let end = try #require(recordEnds(bytes).last)
        for _ in 0..<500 {
            var damaged = bytes.prefix(end + 64)
            // Checksums are valid here: the payload is nonsense that a program has written.
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                let offset = Int.random(in: LedgerFormat.headerBytes..<damaged.count, using: &random)
                damaged[offset] = UInt8.random(in: 0...255, using: &random)
            }
            mendChecksums(&damaged)
            try scratch.write(damaged, to: name)
            #expect(try read(name).ids.count <= 8)
        }
    }

    private func mendChecksums(_ bytes: inout Data) {
        let seed = bytes.withUnsafeBytes { $0.load(fromByteOffset: LedgerFormat.seedOffset, as: UInt64.self) }
        var offset = LedgerFormat.headerBytes
        while offset + LedgerFormat.recordHeaderBytes < bytes.count {
            let length = Int(bytes.withUnsafeBytes { $0.load(fromByteOffset: offset, as: UInt32.self) })
            let start = offset + LedgerFormat.recordHeaderBytes
            guard length > 0, length & 7 == 0, start + length <= bytes.count else { return }
            let sum = bytes.withUnsafeBytes { raw in
                LedgerFormat.checksum(
                    seed: seed, offset: offset, type: raw[offset + 4], payload: raw.baseAddress! + start,
                    length: length)
            }
            withUnsafeBytes(of: sum) { bytes.replaceSubrange((offset + 8)..<(offset + 16), with: $0) }
            offset = start + length
        }
    }

    /// Bytes that version 1 wrote: a plain success, a request in full, and one in flight.
    @Test("Segments of version 1 are read")
    func versionOne() async throws {
        let store = try scratch.store()
        let importer = try scratch.importer(store)
        try scratch.write(Data(Self.versionOneBytes), to: "0-0-0-0.00000000.ledger")
        #expect(try importer.drain() == 3)
        let time: Int64 = 1_700_000_000_000
        let rows = try await store.everyRequest()
        #expect(Set(rows.prefix(2)) == [.plainSample("r1"), .sample("r2")])
        #expect(rows.last == .interrupted("r3", time: time + 1))
        #expect(try scratch.segments.isEmpty)
    }

    private static var versionOneBytes: [UInt8] {
        let digits = Array(versionOneText.utf8.filter { $0 != UInt8(ascii: "\n") })
        let bytes = stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) ?? 0
        }
        // The end of a segment is zeros.
        return bytes + Array(repeating: 0, count: 65_536 - bytes.count)
    }

    private static let versionOneText = """
        50424c45444745520100000000000000d14fd464c74590ab0000000000000000533e32ffa1010000fe35000000000000
        000000000000000000000000000000002000000001000000e42394f237b4dfa30068e5cf8b0100000200723103006465
        7606006770742d346f00000000000000e00000000200000010cbf3160d5ec6430068e5cf8b01000015cd5b0700000000
        41010000000000002d00000000000000c800000001076400000000000000140000000000000028000000000000000500
        000000000000070000000000000002007231030064657606006770742d346f0500616c70686104006d61696e11006770
        742d346f2d323032342d30382d30360b006f70656e61692e636861741200616e7468726f7069632e6d65737361676573
        04006e6f6e650100c80000002c010000000000000500616c70686104006d61696e11006770742d346f2d323032342d30
        382d303602006f6b0000000000000000200000000100000098a97ef16fe412430068e5cf8b0100000200723203006465
        7606006770742d346f000000000000004001000002000000ec65413c5697b9470068e5cf8b01000015cd5b0700000000
        41010000000000002d00000000000000c800000001076400000000000000140000000000000028000000000000000500
        000000000000070000000000000002007232030064657606006770742d346f0500616c70686104006d61696e11006770
        742d346f2d323032342d30382d30360b006f70656e61692e636861741200616e7468726f7069632e6d65737361676573
        04006e6f6e650200ad01000014000000000000000400626574610500737061726506006770742d346f04007261746513
        0052617465206c696d697420726561636865642ec80000002c010000000000000500616c70686104006d61696e110067
        70742d346f2d323032342d30382d303602006f6b000002000e0064726f7070656420227365656422120064726f707065
        64206c6f6769745f62696173000000002000000001000000816faa279127bfba0168e5cf8b0100000200723303006465
        7606006770742d346f
        """
}
