"""The edges of HTTP/1.1: half-closed clients, signs of life, unusual targets and hosts, trailers, and backpressure."""

import json
import socket
import threading
import time

import pytest
from fakes.frames import STREAM_HEAD, TEXT, Chat, Messages, chunk, document, stream
from fakes.scripted import HOLD, NEXT, Flood
from gateway import KEY
from raw_client import RawClient, chat, post, wait_for
from scripted_world import World

GOOD = [document(Chat.whole), NEXT]
GOOD_STREAM = [stream(Chat.begin + Chat.content + Chat.end), NEXT]
OPTIONS = "timeouts: { client_read: 2s, client_write: 4s, heartbeat: 300ms, first_byte: 3s, idle: 3s }, event_loops: 1, "


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("edges"), sites=80, options=OPTIONS)
    yield world
    world.stop()


def serve(world, *steps, kind="chat"):
    name = world.fresh(kind)
    world.upstream.play(name, *(steps or GOOD))
    return name, f"model-{name}"


def messages(model, stream=False, **arguments):
    body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}], "stream": stream}
    return post("/v1/messages", body, **arguments)


def half_close(client):
    client.socket.shutdown(socket.SHUT_WR)


# Clients that close their side only.

@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("pause", [0, 0.5])
def test_a_half_closed_client_gets_its_document(world, client, version, pause):
    """An informational answer may come first; a client of 1.0 knows none and gets none."""
    name, model = serve(world, pause, *GOOD)
    client.send(chat(model, version=version))
    half_close(client)
    answer = client.answer()
    if answer.status == 100:
        assert version == "1.1"
        answer = client.answer()
    assert answer.status == 200 and answer.json()["choices"][0]["message"]["content"] == TEXT
    assert client.is_closed()
    assert world.last_row(model)["outcome"] == "completed"


def test_a_half_closed_client_gets_its_stream(world, client):
    name, model = serve(world, stream(Chat.begin + Chat.content[:1], end=b""), 0.7,
                        stream(Chat.content[1:] + Chat.end)[len(STREAM_HEAD):], NEXT)
    client.send(chat(model, stream=True))
    client.until(b"one ")
    half_close(client)
    client.until(b"[DONE]")
    client.until(b"0\r\n\r\n")
    assert client.is_closed()
    assert world.last_row(model)["outcome"] == "completed"


def test_a_half_closed_client_gets_the_answers_to_all_that_it_sent(world, client):
    name, model = serve(world, 0.1, *GOOD)
    client.send(chat(model) * 3 + b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" + chat(model)[:-7])
    half_close(client)
    statuses = []
    while len(statuses) < 4:
        answer = client.answer()
        if answer.status != 100:
            statuses.append(answer.status)
    assert statuses == [200] * 4
    assert client.is_closed(), "half a request is none"
    assert len(world.upstream.calls(name)) == 3


def test_a_half_closed_client_that_reads_slowly_gets_all_of_a_long_document(world):
    text = "x" * 4_000_000
    whole = {**Chat.whole, "choices": [{**Chat.whole["choices"][0], "message": {"role": "assistant", "content": text}}]}
    _, model = serve(world, document(whole), NEXT)
    with RawClient(world.running.port, receive_buffer=65536) as client:
        client.send(chat(model))
        half_close(client)
        time.sleep(1)
        answer = client.answer()
        answer = client.answer() if answer.status == 100 else answer
        assert len(answer.json()["choices"][0]["message"]["content"]) == len(text)
        assert client.is_closed()


@pytest.mark.parametrize("request_bytes", [b"GET /healthz HTTP/1.1\r\nhost", chat("m")[:-5],
                                           b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-client-1-"
                                           b"abcdefgh\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"])
def test_half_a_request_and_no_more_is_closed_without_a_word(client, request_bytes):
    client.send(request_bytes)
    half_close(client)
    assert client.is_closed()


@pytest.mark.parametrize("stage", ["waiting", "streaming"])
def test_a_client_that_is_really_gone_is_found_out(world, client, stage):
    """The end of its side looks the same; only the answer to a byte tells the difference."""
    steps = [HOLD] if stage == "waiting" else [stream(Chat.begin + Chat.content[:1], end=b""), HOLD]
    name, model = serve(world, *steps)
    client.send(chat(model, stream=stage == "streaming"))
    call = world.upstream.call(name)
    if stage == "streaming":
        client.until(b"one ")
    client.socket.close()
    assert call.closed.wait(1)
    assert world.last_row(model)["outcome"] == "cancelled"


# Signs of life.

def signs(path_kind):
    return {"chat": b": ka\n\n", "messages": b'event: ping\ndata: {"type":"ping"}\n\n'}[path_kind]


# E-44
@pytest.mark.parametrize("kind", ["chat", "messages"])
def test_signs_of_life_in_the_dialect_before_and_within_an_answer(world, client, kind):
    frames = {"chat": Chat, "messages": Messages}[kind]
    name, model = serve(world, 1.2, stream(frames.begin + frames.content[:1], end=b""), 1.2,
                        stream(frames.content[1:] + frames.end)[len(STREAM_HEAD):], NEXT, kind=kind)
    client.send((chat if kind == "chat" else messages)(model, stream=True))
    answer = client.answer()
    before, _, after = answer.body.partition(b'"one "')
    sign = signs(kind)
    assert answer.status == 200 and answer.headers["content-type"] == "text/event-stream"
    assert before.startswith(sign) and before.count(sign) >= 2
    assert sign in after, "a pause is filled as well"
    assert after.index(b'"two "') < after.index(b'"three"')
    assert after.rstrip().endswith(frames.end[-1].strip())
    assert answer.body.count(sign) < 12


def test_signs_of_life_to_a_client_of_1_0(world, client):
    _, model = serve(world, 0.8, *GOOD_STREAM)
    client.send(chat(model, stream=True, version="1.0"))
    answer = client.answer()
    assert answer.body.startswith(b": ka\n\n") and answer.body.endswith(b"data: [DONE]\n\n")


def test_no_sign_of_life_where_a_document_is_awaited(world, client):
    _, model = serve(world, 1.0, *GOOD)
    client.send(chat(model))
    answer = client.answer()
    assert answer.status == 200 and b": ka" not in answer.body


# E-44
def test_no_sign_of_life_when_content_flows(world, client):
    pieces = [step for frame in Chat.content * 4 for step in (chunk(frame), 0.12)]
    _, model = serve(world, stream(Chat.begin, end=b""), *pieces,
                     b"".join(map(chunk, Chat.end)) + b"0\r\n\r\n", NEXT)
    client.send(chat(model, stream=True))
    assert b": ka" not in client.answer().body


# E-44
def test_a_failure_behind_signs_of_life_is_an_event_and_no_end(world, client):
    refusal = {"error": {"message": "too long", "type": "invalid_request_error", "param": None,
                         "code": "context_length_exceeded"}}
    name, model = serve(world, 0.8, document(refusal, 400), NEXT)
    client.send(chat(model, stream=True))
    body = client.answer().body
    events = [line.removeprefix(b"data: ") for line in body.split(b"\n") if line.startswith(b"data: ")]
    assert json.loads(events[0])["error"]["code"] == "context_length_exceeded"
    assert len(events) == 1 and b"[DONE]" not in body
    assert client.is_closed()
    assert (world.last_row(model)["outcome"], world.last_row(model)["status"]) == ("failed", 400)


# Targets and hosts that say more than a path.

AUTHORITIES = ["http://gateway", "http://127.0.0.1:1", "HTTPS://admin.internal:8443", "http://[::1]:80"]
HOSTS = ["gateway", "localhost", "127.0.0.1:4001", "[::1]", "admin.internal", "169.254.169.254", "healthz", "a.b.c:1"]


def health(target, host, *headers):
    return "\r\n".join([f"GET {target} HTTP/1.1", f"host: {host}", *headers]).encode() + b"\r\n\r\n"


@pytest.mark.parametrize("authority", ["", *AUTHORITIES])
def test_no_target_or_host_gets_in_without_a_key(client, authority):
    for host in HOSTS:
        client.send(health(f"{authority}/v1/models", host))
        assert client.answer().status == 401
        client.send(health(f"{authority}/v1/models", host, f"authorization: Bearer {KEY}"))
        assert client.answer().status == 200
        client.send(health(f"{authority}/healthz", host))
        assert client.answer().status == 200


@pytest.mark.parametrize("target", [
    "/v1/models/", "//v1/models", "/v1//models", "/v1/./models", "/healthz/../v1/models", "/%76%31/models",
    "/v1/models%00", "/v1%2fmodels", "/V1/models", "/v1/models;x", "/api/v1/keys", "/metrics", "http://admin/api/v1/keys",
    "/v1/chat/completions/../../api/v1/keys"])
def test_only_the_exact_path_is_an_endpoint(client, target):
    client.send(health(target, "x", f"authorization: Bearer {KEY}"))
    assert client.answer().status == 404


@pytest.mark.parametrize("host", ["", "a b", "u@x", "x/y", "a:b", "[::1", "%61", "x#", "x?y", "a\\b"])
def test_a_host_that_is_none_is_refused(client, host):
    client.send(health("/healthz", host))
    answer = client.answer()
    assert answer.status == 400 and client.is_closed()


def test_the_host_and_the_query_of_a_client_stay_here(world, client):
    name, model = serve(world)
    request = chat(model).replace(b"POST /v1/chat/completions", b"POST http://evil:1/v1/chat/completions?key=1&x=2", 1)
    client.send(request.replace(b"host: gateway", b"host: evil"))
    assert client.answer().status == 200
    head = world.upstream.call(name).head.lower()
    assert b"evil" not in head and b"?key" not in head


# Framing.

def chunked(model, *sizes, extension=b"", trailers=b"", headers=b""):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]}).encode()
    head = (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: " + KEY.encode()
            + b"\r\ntransfer-encoding: chunked\r\n" + headers + b"\r\n")
    for size in sizes:
        piece, body = body[:size], body[size:]
        head += f"{len(piece):x}".encode() + extension + b"\r\n" + piece + b"\r\n"
    return head + chunk(body) + b"0\r\n" + trailers + b"\r\n"


def test_chunked_requests_in_a_pipeline(world, client):
    name, model = serve(world)
    client.send(chunked(model, 1, 2, 3) + chat(model) + chunked(model, 40, extension=b";a=b", trailers=b"x-sum: 1\r\n")
                + chunked(model, 7) + health("/healthz", "x"))
    for _ in range(4):
        assert client.answer().json()["choices"][0]["message"]["content"] == TEXT
    assert client.answer().json() == {"status": "ok"}
    bodies = [json.loads(call.body)["messages"] for call in world.upstream.calls(name)]
    assert bodies == [[{"role": "user", "content": "hello"}]] * 4
    assert all(b"transfer-encoding" not in call.head.lower() for call in world.upstream.calls(name))


def test_trailers_are_no_headers(world, client):
    """Whatever stands behind the body cannot add a credential, a length or a header of the upstream's request."""
    name, model = serve(world)
    trailers = b"content-length: 0\r\nauthorization: Bearer other\r\nx-smuggled: 1\r\ntransfer-encoding: chunked\r\n"
    client.send(chunked(model, 9, trailers=trailers) + health("/healthz", "x"))
    assert client.answer().status == 200
    assert client.answer().json() == {"status": "ok"}
    head = world.upstream.call(name).head.lower()
    assert b"x-smuggled" not in head and b"other" not in head
    unknown = chunked(model, 9, trailers=b"x-api-key: " + KEY.encode() + b"\r\n").replace(
        b"x-api-key: " + KEY.encode(), b"x-a: b", 1)
    client.send(unknown)
    assert client.answer().status == 401


def test_expect_continue_for_a_chunked_body(world, client):
    _, model = serve(world)
    head, _, body = chunked(model, 5, headers=b"expect: 100-continue\r\n").partition(b"\r\n\r\n")
    client.send(head + b"\r\n\r\n")
    assert client.answer().status == 100
    client.send(body)
    assert client.answer().status == 200
    assert b"expect" not in world.upstream.calls(f"chat-{model.rpartition('-')[2]}")[0].head.lower()


def test_headers_of_the_connection_stay_here(world, client):
    name, model = serve(world)
    client.send(chat(model, headers=["connection: close, x-private", "x-private: 1", "keep-alive: timeout=5", "te: trailers",
                                     "upgrade: h2c", "proxy-authorization: Basic eDp5"]))
    assert client.answer().headers["connection"] == "close"
    head = world.upstream.call(name).head.lower()
    for word in (b"x-private", b"keep-alive", b"\r\nte:", b"upgrade", b"proxy-", b"connection: close"):
        assert word not in head


def test_a_pipeline_ends_with_the_request_that_says_close(world, client):
    name, model = serve(world)
    client.send(chat(model, headers=["connection: close"]) + chat(model))
    assert client.answer().status == 200
    assert client.is_closed()
    assert len(world.upstream.calls(name)) == 1


# Backpressure.

def test_many_clients_that_do_not_read_take_little_memory_and_stop_their_upstreams(world):
    """Every upstream would send for ever. What is taken from it is bounded by the buffers of its one stream."""
    streams = 60
    name, model = serve(world, stream(Chat.begin, end=b""), Flood(chunk(Chat.content[0]) * 200))
    clients = [RawClient(world.running.port, receive_buffer=65536) for _ in range(streams)]
    before = world.resident()
    try:
        for client in clients:
            client.send(chat(model, stream=True))
        for number in range(streams):
            world.upstream.call(name, number)

        def sent():
            return sum(call.sent for call in world.upstream.calls(name))

        def has_stopped():
            at_first = sent()
            time.sleep(0.4)
            return sent() == at_first
        assert wait_for(has_stopped, 15)
        grown = (world.resident() - before) * 1024 / streams
        assert grown < 640, f"{grown:.0f} KiB for each stream"
    finally:
        for client in clients:
            client.socket.close()
    assert wait_for(lambda: all(call.closed.is_set() for call in world.upstream.calls(name)))


def test_an_upstream_that_does_not_read_holds_one_body_and_no_more(world):
    """A client that sends one large body after the other is not read while an upstream sits on the first."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    accepted = []
    threading.Thread(target=lambda: accepted.append(listener.accept()), daemon=True).start()
    created = world.running.admin.post("/sites", json={
        "name": "deaf", "platform": "openai", "base_url": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    assert created.status_code == 201, created.text
    account = world.running.admin.post("/accounts", json={
        "site": "deaf", "name": "main", "credential": {"kind": "api_key", "api_key": "sk-deaf-1"}, "models": ["deaf"]})
    assert account.status_code == 201, account.text
    assert wait_for(lambda: "deaf" in [model["id"] for model in world.running.openai().models.list().model_dump()["data"]])
    body = json.dumps({"model": "deaf", "messages": [{"role": "user", "content": "x" * 8_000_000}]}).encode()
    request = post("/v1/chat/completions", body)
    before = world.resident()
    with RawClient(world.running.port) as client:
        client.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200 << 20:
                position = sent % len(request)
                sent += client.socket.send(request[position:position + (1 << 20)])
        assert sent < 24 << 20
        assert world.resident() - before < 64
    listener.close()
