"""The minimum rate: clients that take an answer, or send a body, at a trickle hold memory and an upstream for ever."""

import time

import pytest
from fakes.frames import END, STREAM_HEAD, TEXT, Chat, chunk, document, stream
from fakes.scripted import NEXT, Flood
from governed_world import Governed
from raw_client import RawClient, chat, wait_for

FLOOD = Flood(chunk(Chat.content[0]) * 200)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    routes = "".join(
        f"  - {{ model: {name}, limits: {{ minimum_rate: {rate} }}, channels: [ {{ site: {name}, account: main, model: m }} ] }}\n"
        for name, rate in (("hurried", "8MiB"), ("patient", "0"), ("easy", "1KiB")))
    world = Governed(
        tmp_path_factory.mktemp("rates"), {name: "" for name in ("hurried", "patient", "easy", "plain")}, routes=routes,
        settings="limits: { minimum_rate: 1KiB }\ntimeouts: { total: 30s }\n",
        gateway="event_loops: 1, timeouts: { client_read: 1s, client_write: 1s }, ")
    yield world
    world.stop()


def read_slowly(client, seconds, size=16_384, pause=0.05):
    """Whether the connection is still there after so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if not client.socket.recv(size):
                return False
        except ConnectionResetError:
            return False
        time.sleep(pause)
    return True


def test_a_client_that_takes_a_stream_at_a_trickle_is_dropped(world):
    world.play("hurried", stream(Chat.begin, end=b""), FLOOD)
    hits = world.metric("patchbay_limit_hits_total", scope="client", limit="minimum_rate")
    with RawClient(world.port, receive_buffer=65536) as client:
        client.send(chat("hurried", stream=True))
        read_slowly(client, 4)
        assert world.upstream.call("hurried").closed.wait(4)
    assert world.metric("patchbay_limit_hits_total", scope="client", limit="minimum_rate") == hits + 1
    assert world.last_row("hurried")["outcome"] in ("cancelled", "truncated")


def test_a_route_may_let_its_clients_take_their_time(world):
    world.play("patient", stream(Chat.begin, end=b""), FLOOD)
    with RawClient(world.port, receive_buffer=65536) as client:
        client.send(chat("patient", stream=True))
        assert read_slowly(client, 4)
        assert not world.upstream.call("patient").closed.is_set()


def test_a_slow_client_above_the_rate_goes_on(world):
    world.play("easy", stream(Chat.begin, end=b""), FLOOD)
    with RawClient(world.port, receive_buffer=65536) as client:
        client.send(chat("easy", stream=True))
        assert read_slowly(client, 4)
        assert not world.upstream.call("easy").closed.is_set()


def test_nobody_is_slow_because_an_upstream_is(world):
    words = [step for word in Chat.content for step in (1.2, chunk(word))]
    world.play("plain", STREAM_HEAD + b"".join(map(chunk, Chat.begin)), *words, *map(chunk, Chat.end), END, NEXT)
    answer = world.openai().chat.completions.create(
        model="plain", messages=[{"role": "user", "content": "hello"}], stream=True)
    assert "".join(part.choices[0].delta.content or "" for part in answer if part.choices) == TEXT


def test_a_client_that_reads_nothing_of_what_fits_into_its_buffers_is_not_slow(world):
    world.play("hurried", STREAM_HEAD + b"".join(map(chunk, Chat.begin + Chat.content)), 3, *map(chunk, Chat.end), END, NEXT)
    with RawClient(world.port) as client:
        client.send(chat("hurried", stream=True))
        time.sleep(3.5)
        assert b"[DONE]" in client.answer().body


def send_slowly(client, piece, pause, count):
    try:
        for _ in range(count):
            client.send(piece)
            time.sleep(pause)
    except OSError:
        pass


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_trickles_is_answered_408(world, framing):
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-client-1-abcdefgh\r\n"
    head += "content-length: 100000\r\n\r\n" if framing == "length" else "transfer-encoding: chunked\r\n\r\n"
    with RawClient(world.port) as client:
        client.send(head.encode())
        send_slowly(client, b" " if framing == "length" else b"1\r\n \r\n", 0.05, 60)
        answer = client.answer()
    assert answer.status == 408
    assert "more slowly than 1024 bytes per second" in answer.json()["error"]["message"]


def test_a_slow_body_above_the_rate_is_taken(world):
    world.play("plain", document(Chat.whole), NEXT)
    request = chat("plain", stream=False).partition(b"\r\n\r\n")
    padding = b" " * 12_000
    head = b"\r\n".join(line for line in request[0].split(b"\r\n") if not line.lower().startswith(b"content-length"))
    body = padding + request[2]
    with RawClient(world.port) as client:
        client.send(head + f"\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), 1000):
            client.send(body[start:start + 1000])
            time.sleep(0.25)
        assert client.answer().status == 200
    assert wait_for(lambda: world.last_row("plain")["outcome"] == "completed")
