"""Clients that misbehave or are merely old: connections, limits, time-outs and memory."""

import time

import pytest
from fakes.frames import STREAM_HEAD, TEXT, Chat, chunk, document, stream
from fakes.scripted import HOLD, NEXT, Flood
from raw_client import RawClient, chat, post, wait_for
from scripted_world import World

GOOD = [document(Chat.whole), NEXT]
LIMITS = "limits: { header: 16KiB, body: 64KiB, connections: 40 }, "


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("connections"), sites=60, options=LIMITS)
    yield world
    world.stop()


def serve(world, *steps):
    name = world.fresh("chat")
    world.upstream.play(name, *(steps or GOOD))
    return name, f"model-{name}"


def open_streams(world):
    import httpx
    text = httpx.get(f"http://127.0.0.1:{world.running.admin_port}/metrics").text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("patchbay_streams_open"))


# Clients that leave.

LEAVING = {
    "before the head": [HOLD],
    "after the head": [STREAM_HEAD, HOLD],
    "before any content": [STREAM_HEAD + chunk(b": ping\n\n") + chunk(Chat.begin[0]), HOLD],
    "in the middle": [stream(Chat.begin + Chat.content[:2], end=b""), HOLD],
    "while much is queued": [stream(Chat.begin, end=b""), Flood(chunk(Chat.content[0]) * 200)],
    "after the last word": [stream(Chat.begin + Chat.content + Chat.end, end=b""), HOLD],
}


# E-107
@pytest.mark.parametrize("moment", LEAVING)
def test_a_client_that_leaves_takes_the_upstream_with_it(world, client, moment):
    name, model = serve(world, *LEAVING[moment])
    client.send(chat(model, stream=True))
    call = world.upstream.call(name)
    if moment in ("in the middle", "while much is queued", "after the last word"):
        client.until(b"one ")
    else:
        time.sleep(0.1)
    client.socket.close()
    assert call.closed.wait(1)
    row = world.last_row(model)
    assert row["outcome"] == ("completed" if moment == "after the last word" else "cancelled")
    assert row["attempts"] == 1
    assert wait_for(lambda: open_streams(world) == 0)


# E-107
def test_a_client_that_leaves_while_a_document_is_collected(world, client):
    name, model = serve(world, document(Chat.whole)[:-20], HOLD)
    client.send(chat(model))
    call = world.upstream.call(name)
    time.sleep(0.1)
    client.socket.close()
    assert call.closed.wait(1)
    assert world.last_row(model)["outcome"] == "cancelled"


def test_a_client_that_leaves_in_its_request(world, client):
    _, model = serve(world)
    client.send(chat(model)[:-10])
    time.sleep(0.1)
    client.socket.close()
    time.sleep(0.2)
    assert world.running.request_rows(model=model) == []


# Memory.

def test_a_client_that_does_not_read_stops_the_upstream(world):
    name, model = serve(world, stream(Chat.begin, end=b""), Flood(chunk(Chat.content[0]) * 200))
    before = world.resident()
    with RawClient(world.running.port, receive_buffer=65536) as client:
        client.send(chat(model, stream=True))
        client.until(b"one ")
        call = world.upstream.call(name)

        def has_stopped():
            sent = call.sent
            time.sleep(0.5)
            return call.sent == sent
        assert wait_for(has_stopped, 15)
        assert world.resident() - before < 32
        sent = call.sent
        for _ in range(400):
            client.more()
            client.buffer = b""
        assert wait_for(lambda: call.sent > sent)
    assert call.closed.wait(1)


def test_requests_without_end_whose_answers_nobody_reads(world):
    before = world.resident()
    with RawClient(world.running.port, receive_buffer=65536) as client:
        client.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 256 << 20:
                sent += client.socket.send(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
        assert world.resident() - before < 32
        client.socket.settimeout(10)
        # What was sent whole is answered in the end.
        whole = sent // len(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n")
        for _ in range(whole):
            assert client.answer().status == 404


def test_requests_without_end_on_one_connection(world, client):
    request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    before = world.resident()
    client.send(request[:10])
    for _ in range(40):
        # The buffer of the gateway never runs empty.
        client.send((request[10:] + request[:10]) * 500)
        for _ in range(500):
            assert client.answer().status == 200
    assert world.resident() - before < 16


# Requests on the wire.

def test_pipelined_requests_are_answered_in_order(world, client):
    slow, slow_model = serve(world, 0.2, *GOOD)
    _, stream_model = serve(world, stream(Chat.begin + Chat.content + Chat.end), NEXT)
    client.send(chat(slow_model) + b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n" + chat(stream_model, stream=True)
                + b"HEAD /v1/models HTTP/1.1\r\nhost: x\r\nx-api-key: sk-client-1-abcdefgh\r\n\r\n" + chat(slow_model)
                + post("/v1/messages", b"{}", key="wrong") + b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert client.answer().json()["choices"][0]["message"]["content"] == TEXT
    assert client.answer().status == 404
    assert client.answer().body.rstrip().endswith(b"data: [DONE]")
    head = client.answer(has_body=False)
    assert head.status == 200 and int(head.headers["content-length"]) > 0
    assert client.answer().status == 200
    refused = client.answer()
    assert refused.status == 401 and refused.json()["error"]["type"] == "authentication_error"
    assert refused.headers["request-id"] == refused.headers["x-request-id"]
    assert client.answer().json() == {"status": "ok"}
    assert len(world.upstream.calls(slow)) == 2


def test_a_request_byte_by_byte(world, client):
    _, model = serve(world)
    for byte in chat(model):
        client.send(bytes([byte]))
    assert client.answer().status == 200
    body = b'{"model":"%s","messages":[]}' % model.encode()
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-client-1-abcdefgh\r\n"
                b"transfer-encoding: chunked\r\n\r\n")
    for byte in body:
        client.send(b"1;x=y\r\n" + bytes([byte]) + b"\r\n")
    client.send(b"0\r\nx-trailer: 1\r\n\r\n")
    assert client.answer().status == 200


SMUGGLED = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
START = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-client-1-abcdefgh\r\n"
MALFORMED = {
    "length and chunked": START + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": START + b"content-length: 4\r\ncontent-length: 5\r\n\r\n{}  " + SMUGGLED,
    "list of lengths": START + b"content-length: 4, 5\r\n\r\n{}  " + SMUGGLED,
    "signed length": START + b"content-length: +4\r\n\r\n{}  " + SMUGGLED,
    "hexadecimal length": START + b"content-length: 0x4\r\n\r\n{}  " + SMUGGLED,
    "overflowing length": START + b"content-length: 18446744073709551617\r\n\r\n{" + SMUGGLED,
    "chunked not last": START + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked twice": START + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "space before the colon": START + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "folded field": START + b"x-a: b\r\n transfer-encoding: chunked\r\n\r\n" + SMUGGLED,
    "bare line feed": b"GET /healthz HTTP/1.1\nhost: x\n\n" + SMUGGLED,
    "bare carriage return": b"GET /healthz HTTP/1.1\r\nhost: x\rx-a: b\r\n\r\n" + SMUGGLED,
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n" + SMUGGLED,
    "two hosts": b"GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n" + SMUGGLED,
    "NUL in a value": b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\0c\r\n\r\n" + SMUGGLED,
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + SMUGGLED,
    "bad chunk size": START + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk longer than announced": START + b"transfer-encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk with a bare line feed": START + b"transfer-encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("sample", MALFORMED)
def test_a_malformed_request_is_answered_once_and_the_connection_closed(client, sample):
    client.send(MALFORMED[sample])
    answer = client.answer()
    assert answer.status in (400, 501)
    assert answer.headers["connection"] == "close" and answer.headers["x-request-id"]
    assert answer.json()["error"]["message"]
    assert client.is_closed()


def test_http_1_0(world, client):
    _, model = serve(world, *GOOD)
    client.send(chat(model, version="1.0", headers=["connection: keep-alive"]))
    answer = client.answer()
    assert answer.status == 200 and answer.headers["connection"] == "keep-alive"
    client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
    answer = client.answer()
    assert answer.status == 200 and answer.headers["connection"] == "close"
    assert client.is_closed()


def test_a_stream_to_http_1_0_ends_with_the_connection(world, client):
    _, model = serve(world, stream(Chat.begin + Chat.content + Chat.end))
    client.send(chat(model, stream=True, version="1.0", headers=["connection: keep-alive"]))
    answer = client.answer()
    assert "transfer-encoding" not in answer.headers and answer.headers["connection"] == "close"
    assert answer.body.startswith(b"data: {") and answer.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("is_stream", [False, True])
def test_connection_close(world, client, is_stream):
    _, model = serve(world, stream(Chat.begin + Chat.content + Chat.end) if is_stream else document(Chat.whole))
    client.send(chat(model, stream=is_stream, headers=["connection: close"]))
    assert client.answer().headers["connection"] == "close"
    assert client.is_closed()


def test_expect_continue(world, client):
    _, model = serve(world)
    request = chat(model, headers=["expect: 100-continue"])
    head, _, body = request.partition(b"\r\n\r\n")
    client.send(head + b"\r\n\r\n")
    assert client.answer().status == 100
    client.send(body)
    assert client.answer().status == 200
    client.send(request)
    first = client.answer()
    assert (client.answer() if first.status == 100 else first).status == 200


def test_a_body_that_is_not_wanted_is_not_asked_for(world, client):
    _, model = serve(world)
    head = chat(model, key="wrong", headers=["expect: 100-continue"]).partition(b"\r\n\r\n")[0]
    client.send(head + b"\r\n\r\n")
    answer = client.answer()
    assert answer.status == 401 and answer.headers["connection"] == "close"
    assert client.is_closed()


def test_a_refused_body_is_skipped_and_the_connection_lives_on(world, client):
    _, model = serve(world)
    client.send(chat(model, key="wrong")[:-5])
    assert client.answer().status == 401
    client.send(chat(model)[-5:] + chat(model))
    assert client.answer().status == 200


# Limits.

# E-104
@pytest.mark.parametrize("path, kind", [("/v1/chat/completions", "invalid_request_error"),
                                        ("/v1/messages", "request_too_large")])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_beyond_the_limit(client, path, kind, is_chunked):
    if is_chunked:
        framing = b"transfer-encoding: chunked\r\n\r\n" + chunk(b" " * 40_000) + chunk(b" " * 40_000)
    else:
        framing = b"content-length: 70000\r\n\r\n" + b" " * 70_000
    client.send(START.replace(b"/v1/chat/completions", path.encode()) + framing)
    answer = client.answer()
    assert answer.status == 413 and answer.json()["error"]["type"] == kind
    assert client.is_closed()


@pytest.mark.parametrize("request_head, status", [
    (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + b"x-a: b\r\n" * 200 + b"\r\n", 431),
    (b"GET /" + b"a" * 16_400 + b" HTTP/1.1\r\nhost: x\r\n\r\n", None),
])
def test_a_head_beyond_the_limit(client, request_head, status):
    client.send(request_head)
    answer = client.answer()
    assert answer.status == status or answer.status in (414, 431)
    assert client.is_closed()


def test_connections_beyond_the_limit_are_closed_and_others_go_on(world):
    clients = [RawClient(world.running.port) for _ in range(60)]
    try:
        time.sleep(0.3)
        served = 0
        for client in clients:
            try:
                served += client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").answer().status == 200
            except (AssertionError, ConnectionError):
                pass
        assert 0 < served <= 40
    finally:
        for client in clients:
            client.socket.close()

    def is_served():
        with RawClient(world.running.port) as client:
            try:
                return client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").answer().status == 200
            except (AssertionError, ConnectionError):
                return False
    assert wait_for(is_served)


def test_a_stream_in_progress_survives_the_end_of_the_gateway(tmp_path):
    world = World(tmp_path, sites=1, options=LIMITS)
    try:
        _, model = serve(world, stream(Chat.begin + Chat.content[:1], end=b""), 0.5,
                         stream(Chat.content[1:] + Chat.end)[len(STREAM_HEAD):])
        with RawClient(world.running.port) as idle, RawClient(world.running.port) as client:
            client.send(chat(model, stream=True))
            client.until(b"one ")
            world.running.gateway.process.terminate()
            assert idle.is_closed()
            client.until(b"[DONE]")
            client.until(b"0\r\n\r\n")
            assert client.is_closed()
        assert world.running.gateway.process.wait(10) == 0
    finally:
        world.stop()
