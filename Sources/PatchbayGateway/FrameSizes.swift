import PatchbayWire

/// Sizes of the frames of a stream that is passed on unread, from which its content is estimated.
struct FrameSizes: Sendable {
    private var count = 0
    private var bytes = 0
    private var smallest = Int.max
    /// Of the newest frame; the last of all is the one that says why the answer ended, with no content at all.
    private var newest = 0

    /// Frames below this carry no content: signs of life and ends.
    static let least = 64

    mutating func add(_ size: Int) {
        guard size >= FrameSizes.least else { return }
        if newest > 0 {
            count &+= 1
            bytes &+= newest
            smallest = min(smallest, newest)
        }
        newest = size
    }

    /// Frames of one kind, none of them small.
    mutating func add(_ run: FrameRun, least size: Int) {
        guard size >= FrameSizes.least, run.frames > 0 else { return }
        if newest > 0 {
            count &+= 1
            bytes &+= newest
            smallest = min(smallest, newest)
        }
        count &+= run.frames &- 1
        bytes &+= run.bytes
        smallest = min(smallest, run.smallest)
        newest = run.newest
    }

    /// Every frame repeats the same members around its piece of content: what a frame has more than the smallest one is
    /// content, and each piece is a token at least.
    var tokens: Int {
        guard count > 1 else { return 0 }
        let content = bytes - count * smallest
        return max(content / TokenEstimate.bytesPerToken, count - 1, 0)
    }
}
