import PatchbayHost
import PatchbayWire

/// The shortcut of a stream, and when to look for one.
struct ShortcutState {
    /// Nil unless the last frame was one that it takes too.
    private(set) var current: FrameShortcut?
    /// It has taken frames.
    private var isProven = false
    /// So many frames are read before the next is looked at closely.
    private var wait = 0
    /// The next value of ``wait``.
    private var patience = 1

    init() {}

    mutating func found(_ shortcut: FrameShortcut?) {
        current = shortcut
        isProven = false
        if shortcut == nil { beDiscouraged() }
    }

    mutating func tookFrames() {
        isProven = true
        patience = 1
    }

    /// Another frame has come.
    ///
    /// - Returns: whether it is worth a closer look.
    mutating func takesLook() -> Bool {
        if current != nil {
            current = nil
            // What interrupts a run is seldom the beginning of another one; streams of mixed frames have none at all.
            if isProven { wait = 2 } else { beDiscouraged() }
        }
        guard wait > 0 else { return true }
        wait -= 1
        return false
    }

    private mutating func beDiscouraged() {
        wait = patience
        patience = min(patience * 2, 64)
    }
}

/// Nearly all events of a stream are the same frame but for one string. Once such a frame has been read by those who
/// know the format, those that follow are recognised by comparing bytes, and what the client gets is put together from
/// them: nothing is parsed, and no plugin is called. Everything else goes the way of every frame.
extension Exchange {
    /// Takes the frames from `position` on that the shortcut knows.
    func takeKnownFrames(
        _ bytes: UnsafeRawBufferPointer, at position: inout Int, into output: inout [UInt8]
    ) {
        guard let shortcut = attempt.shortcuts.current, attempt.splitter?.isBetweenFrames == true else { return }
        let run = shortcut.take(bytes, from: &position, into: &output)
        guard run.frames > 0 else { return }
        attempt.shortcuts.tookFrames()
        attempt.goodFrames += run.frames
        if attempt.encoder == nil {
            attempt.frameSizes.add(run, least: shortcut.leastBytes)
        } else {
            attempt.tap.observeDeltas(run.frames, bytes: run.textBytes)
        }
    }

    /// Looks whether frames like this one, which has just been taken, can go the short way from now on.
    ///
    /// - Parameter written: what was added for the client.
    func learn(from frame: SSEFrame, written: ArraySlice<UInt8>) {
        guard frame.data != nil, attempt.tap.sawContent, attempt.shortcuts.takesLook(), let decoder = attempt.decoder,
            attempt.tap.error == nil, !attempt.tap.ended, attempt.delivery == nil
        else { return }
        if let encoder = attempt.encoder { return attempt.shortcuts.found(decoder.shortcut(like: frame, to: encoder)) }
        guard isPassedOn(frame) else { return }
        // A frame that names no model is not changed.
        let isChanged = attempt.renamesModel && !written.elementsEqual(frame.raw)
        let shortcut = decoder.shortcut(
            like: frame, to: nil, changed: isChanged ? StreamEdit.parts(of: written, like: frame) : nil)
        // Their sizes count, except those of small frames.
        attempt.shortcuts.found(shortcut?.leastBytes ?? 0 < FrameSizes.least ? nil : shortcut)
    }

    /// The client gets the frame, and nothing of it is kept.
    private func isPassedOn(_ frame: SSEFrame) -> Bool {
        guard let data = frame.data else { return false }
        if attempt.stripsUsage, StreamEdit.isUsageOnly(data) { return false }
        return responses == nil || frame.event?.equals("response.output_item.done") != true
    }
}
