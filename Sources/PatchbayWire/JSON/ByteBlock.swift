/// Sixteen bytes compared at once, for searches in long strings.
///
/// The vector types are spelled out: with an inferred `SIMD16(repeating:)` the compiler picks the generic comparison,
/// which loops over the lanes.
struct ByteBlock {
    typealias Mask = SIMDMask<SIMD16<Int8>>

    static let count = 16

    private let bytes: SIMD16<UInt8>

    /// Loads the bytes from `index` on; all sixteen must be readable.
    @inline(__always)
    init(_ base: UnsafePointer<UInt8>, _ index: Int) {
        bytes = UnsafeRawPointer(base + index).loadUnaligned(as: SIMD16<UInt8>.self)
    }

    @inline(__always)
    func equal(_ byte: UInt8) -> Mask {
        bytes .== SIMD16<UInt8>(repeating: byte)
    }

    @inline(__always)
    func below(_ byte: UInt8) -> Mask {
        bytes .< SIMD16<UInt8>(repeating: byte)
    }

    /// Bytes below `byte` and bytes outside ASCII, which are negative as signed numbers.
    @inline(__always)
    func belowOrNonASCII(_ byte: Int8) -> Mask {
        unsafeBitCast(bytes, to: SIMD16<Int8>.self) .< SIMD16<Int8>(repeating: byte)
    }

    /// Whether any byte was hit.
    @inline(__always)
    static func any(_ mask: Mask) -> Bool {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        return words[0] | words[1] != 0
    }

    /// The offset of the first byte hit, or nil.
    ///
    /// Always inlined: the caller's branches are predicted, so the next block does not wait for this one's answer.
    @inline(__always)
    static func first(_ mask: Mask) -> Int? {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        let low = UInt64(littleEndian: words[0])
        if low != 0 { return low.trailingZeroBitCount &>> 3 }
        let high = UInt64(littleEndian: words[1])
        if high != 0 { return 8 &+ high.trailingZeroBitCount &>> 3 }
        return nil
    }
}
