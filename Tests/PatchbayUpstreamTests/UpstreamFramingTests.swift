import PatchbayUpstream
import Testing

@Suite(.timeLimit(.minutes(5)))
struct UpstreamFramingTests {
    @Test func deliversABodyOfStatedLength() async throws {
        let world = try await UpstreamWorld.make { _, _ in
            [.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")]
        }
        let recorder = try await world.send()
        let outcome = try await recorder.finished()
        #expect(outcome.status == 200)
        #expect(outcome.body == "hello")
        #expect(outcome.contentType == "text/plain")
        #expect(outcome.error == nil)
        try await expectQuiet(recorder, world)
    }

    @Test func removesTheChunkedCodingAndDiscardsTrailers() async throws {
        let world = try await UpstreamWorld.make { _, _ in
            [
                .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
                .send("lo\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"),
            ]
        }
        let recorder = try await world.send()
        #expect(try await recorder.finished().body == "hello world")
        #expect(try await world.statistics().idle == 1)
        try await expectQuiet(recorder, world)
    }

    @Test func readsUntilTheEndOfTheConnection() async throws {
        let world = try await UpstreamWorld.make { _, _ in
            [.send("HTTP/1.0 200 OK\r\n\r\nall of it"), .close]
        }
        let recorder = try await world.send()
        let outcome = try await recorder.finished()
        #expect(outcome.body == "all of it")
        #expect(outcome.error == nil)
        #expect(try await world.statistics().idle == 0)
        try await expectQuiet(recorder, world)
    }

    @Test func skipsInformationalHeads() async throws {
        let world = try await UpstreamWorld.make { _, _ in
            [
                .send(
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                        + "HTTP/1.1 204 No Content\r\n\r\n"
                )
            ]
        }
        let recorder = try await world.send()
        let outcome = try await recorder.finished()
        #expect(outcome.status == 204)
        #expect(outcome.body == "")
        try await expectQuiet(recorder, world)
    }

    @Test func expectsNoBodyAfterHead() async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")] }
        let recorder = try await world.send("HEAD / HTTP/1.1\r\nHost: u\r\n\r\n", isHead: true)
        #expect(try await recorder.finished().status == 200)
        #expect(try await world.statistics().idle == 1)
        try await expectQuiet(recorder, world)
    }

    @Test func acceptsAHeadInManyPieces() async throws {
        let response =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\nabc\r\n0\r\n\r\n"
        let world = try await UpstreamWorld.make { _, _ in response.map { .send(String($0)) } }
        let recorder = try await world.send()
        let outcome = try await recorder.finished()
        #expect(outcome.contentType == "text/event-stream")
        #expect(outcome.body == "abc")
        try await expectQuiet(recorder, world)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ])
    func reportsAResponseThatIsCutShort(response: String) async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send(response), .close] }
        let recorder = try await world.send()
        let outcome = try await recorder.finished()
        #expect(outcome.body == "hello")
        #expect(outcome.error?.code == .reset)
        #expect(outcome.error?.receivedBytes == true)
        try await expectQuiet(recorder, world)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    ])
    func refusesAMalformedResponse(response: String) async throws {
        let world = try await UpstreamWorld.make { _, _ in [.send(response)] }
        let recorder = try await world.send()
        #expect(try await recorder.finished().error?.code == .protocol)
        try await world.connectionClosed(0)
        try await expectQuiet(recorder, world)
    }
}

/// Nothing was delivered at a wrong time, and no exchange is left over.
func expectQuiet(
    _ recorder: Recorder, _ world: UpstreamWorld, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let violations = try await world.onLoop { _ in recorder.violations }
    #expect(violations == [], sourceLocation: sourceLocation)
    #expect(try await world.statistics().active == 0, sourceLocation: sourceLocation)
    try await world.close()
}
