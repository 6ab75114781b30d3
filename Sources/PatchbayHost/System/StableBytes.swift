/// Text at an address that never moves, for views that are handed to plugins for longer than a call.
package final class StableBytes: Sendable {
    // Written once before the initialiser returns, freed in deinit.
    nonisolated(unsafe) private let memory: UnsafeMutableRawBufferPointer

    package init(_ text: String) {
        var text = text
        memory = text.withUTF8 { utf8 in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(utf8.count, 1), alignment: 1)
            memory.copyMemory(from: UnsafeRawBufferPointer(utf8))
            return UnsafeMutableRawBufferPointer(rebasing: memory[..<utf8.count])
        }
    }

    deinit {
        memory.deallocate()
    }

    /// Valid as long as the object lives. Never absent: the empty text has an address.
    package var view: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }
}
