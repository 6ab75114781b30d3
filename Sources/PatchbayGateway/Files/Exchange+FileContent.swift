import Logging
import NIOCore
import PatchbayStore

/// A content on its way to a client, piece by piece.
struct FileTransfer {
    let content: FileContent
    let bytes: Int
    var sent = 0
    /// The store has been asked for the next piece.
    var isReading = false
}

/// `GET /v1/files/{id}/content`. A piece is read when the client has taken what was sent before, so that nothing large
/// is held for a slow client.
extension Exchange {
    private static let pieceBytes = 262_144

    func openContent(of id: String, in files: FileStore, _ owner: String) {
        ask(for: "files", { files.open(id, owner: owner, $0) }) { [self] found throws(GatewayError) in
            guard let (file, content) = found else { throw .fileNotFound(id) }
            var head = connection.buffer(capacity: 512)
            ResponseHead.writeStatus(200, into: &head)
            ResponseHead.writeRequestID(requestID, dialect: dialect, into: &head)
            ResponseHead.writeField("content-type", file.type, into: &head)
            ResponseHead.writeField("content-disposition", FileName.disposition(file.name), into: &head)
            // Whatever it is, no browser shall run it.
            head.writeStaticString("x-content-type-options: nosniff\r\n")
            connection.finishHead(&head, length: file.bytes)
            connection.write(head)
            guard !isHead else { return endContent() }
            state = .sending
            transfer = FileTransfer(content: content, bytes: file.bytes)
            sendContent()
        }
    }

    /// Asks for the next piece, unless one is on its way already.
    func sendContent() {
        guard let files = loop.files, let transfer, !transfer.isReading else { return }
        self.transfer?.isReading = true
        lookup += 1
        let mine = lookup
        let eventLoop = loop.eventLoop
        let here = NIOLoopBound(self, eventLoop: eventLoop)
        let count = min(Exchange.pieceBytes, transfer.bytes - transfer.sent)
        files.read(transfer.content, at: transfer.sent, count: count) { result in
            eventLoop.execute {
                let exchange = here.value
                guard exchange.state == .sending, exchange.lookup == mine else { return }
                exchange.loop.noteTime()
                exchange.received(try? result.get(), expected: count)
            }
        }
    }

    private func received(_ piece: [UInt8]?, expected: Int) {
        transfer?.isReading = false
        guard let piece, piece.count == expected else {
            // A length was promised: what ends before it shows as broken.
            loop.logger.warning("a kept file cannot be read")
            connection.closeAfterAnswer()
            return endContent()
        }
        transfer?.sent += piece.count
        connection.write(ByteBuffer(bytes: piece))
        guard let transfer, transfer.sent < transfer.bytes else { return endContent() }
        connection.flush()
        // The flush may have found out that the client is gone.
        if state == .sending, connection.isWritable { sendContent() }
    }

    private func endContent() {
        state = .finished
        connection.answered()
    }
}
