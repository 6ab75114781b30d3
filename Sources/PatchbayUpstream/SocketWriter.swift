#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
package import NIOCore

/// Writes to the socket of a channel without the way through its pipeline, as long as the channel itself has nothing to
/// write. What the socket does not take is left to the channel, with everything that follows from it: waiting for the
/// socket, writability, errors.
///
/// For the event loop of the channel only, and only where no handler on the way out would change the bytes.
package final class SocketWriter {
    private let channel: any Channel
    private let descriptor: CInt
    private let options: any NIOSynchronousChannelOptions
    /// The channel has been given bytes that may still wait.
    private var isChannelBusy = false

    /// nil if the channel does not show its socket.
    package init?(_ channel: any Channel) {
        let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        guard let descriptor, let options = channel.syncOptions else { return nil }
        self.channel = channel
        self.descriptor = descriptor
        self.options = options
    }

    /// Has the bytes been given to the socket; if not, what is left in `bytes` is to be written to the channel.
    ///
    /// An error of the socket is left for the channel to find: it will report it and close.
    package func write(_ bytes: inout ByteBuffer) -> Bool {
        // An active channel has its socket open: it ends being active in the call that closes it.
        guard !isBusy, channel.isActive else {
            isChannelBusy = true
            return false
        }
        let sent = bytes.withUnsafeReadableBytes { readable in
            send(descriptor, readable.baseAddress, readable.count, CInt(MSG_NOSIGNAL))
        }
        if sent == bytes.readableBytes { return true }
        if sent > 0 { bytes.moveReaderIndex(forwardBy: sent) }
        isChannelBusy = true
        return false
    }

    /// Everything that was written has been taken by the socket, as far as is known without asking the channel.
    package var isIdle: Bool { !isChannelBusy }

    /// Bytes have been written to the channel although the socket was not asked.
    package func noteChannelWrite() {
        isChannelBusy = true
    }

    private var isBusy: Bool {
        guard isChannelBusy else { return false }
        // When it is not known, the channel goes on writing.
        isChannelBusy = (try? options.getOption(.bufferedWritableBytes)) != 0
        return isChannelBusy
    }
}
