/// The layout of a ledger segment: a file of fixed size that one event loop fills from front to back.
///
/// ```
/// 0   magic        u64      "PBLEDGER"
/// 8   version      u32
/// 12  loop         u32
/// 16  seed         u64      random, starts every checksum
/// 24  sequence     u64
/// 32  started      i64      milliseconds since 1970, of the writer
/// 40  process      u32
/// 44  state        u32      0 open, 1 followed by another segment, 2 last one, closed in order
/// 48  end          u64      valid once state is not 0
/// 64  records
/// ```
/// A record begins at a multiple of eight: u32 length of the payload (a multiple of eight, stored last, so that a
/// record that can be seen is whole), u8 type, three zero bytes, u64 checksum, payload. Numbers are in the byte order
/// of the machine, because a segment never leaves it. A file is new and full of zeros when it is put to use, so a
/// length of zero is the end of what has been committed.
///
/// A plain success, which nearly every request is, has its names in a record of the type `words` before it and refers
/// to them by number (``LedgerPlain``). Such a record serves only the records up to the next multiple of
/// ``wordsReach`` or so, then it is written again: damage to it costs no more than those. Version 1 had only the types
/// `begin` and `finish`.
enum LedgerFormat {
    static let magic: UInt64 = 0x5245_4744_454C_4250
    static let version: UInt32 = 2
    static let readableVersions: ClosedRange<UInt32> = 1...2
    static let headerBytes = 64
    static let recordHeaderBytes = 16
    /// Room for the largest record that the bounds below allow.
    static let maximumPayload = 48 * 1024
    static let minimumSegment = 64 * 1024

    static let versionOffset = 8
    static let loopOffset = 12
    static let seedOffset = 16
    static let sequenceOffset = 24
    static let startedOffset = 32
    static let processOffset = 40
    static let stateOffset = 44
    static let endOffset = 48

    static let wordsReach = 1 << 18

    enum RecordType: UInt8 {
        case begin = 1
        case finish = 2
        /// Names, for the plain records behind it.
        case words = 3
        case plainBegin = 4
        case plainFinish = 5
        /// `finish` behind the place of its beginning, eight bytes.
        case placedFinish = 6
    }

    enum SegmentState: UInt32 {
        case open = 0
        case followed = 1
        case closed = 2
    }

    /// Bounds in bytes of UTF-8; longer text is cut at a character boundary.
    enum Limit {
        static let id = 128
        static let name = 128
        static let model = 256
        static let word = 64
        static let reason = 512
        static let attempts = 32
        static let warnings = 32
    }

    /// A keyed 64-bit mix over whole words. The key is random per segment, so that no text a client sends can pass for
    /// a record when a damaged segment is searched.
    static func checksum(
        seed: UInt64, offset: Int, type: UInt8, payload: UnsafeRawPointer, length: Int
    ) -> UInt64 {
        var mix = seed ^ UInt64(truncatingIfNeeded: offset) ^ (UInt64(type) << 56) ^ (UInt64(length) << 24)
        mix = (mix ^ (mix >> 32)) &* 0x9E37_79B9_7F4A_7C15
        var position = 0
        while position < length {
            mix = (mix ^ payload.loadUnaligned(fromByteOffset: position, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            mix ^= mix >> 29
            position += 8
        }
        mix = (mix ^ (mix >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return mix ^ (mix >> 32)
    }
}
