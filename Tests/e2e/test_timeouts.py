"""Deadlines: slow clients, slow upstreams, and clients that are slow but alive."""

import time

import pytest
from fakes.frames import STREAM_HEAD, TEXT, Chat, chunk, document, stream
from fakes.scripted import HOLD, NEXT, Flood
from raw_client import RawClient, chat
from scripted_world import World

TIMEOUTS = ("timeouts: { client_read: 1s, client_write: 2s, keep_alive: 1500ms, first_byte: 1s, idle: 1s, total: 4s }, "
            "event_loops: 1, ")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("timeouts"), sites=30, options=TIMEOUTS)
    yield world
    world.stop()


def serve(world, *steps):
    name = world.fresh("chat")
    world.upstream.play(name, *steps)
    world.upstream.play("spare", document(Chat.whole))
    return name


def test_half_a_head_is_answered_408(client):
    client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
    assert client.answer().status == 408
    assert client.is_closed()


def test_a_head_that_never_ends_is_answered_408(client):
    start = time.monotonic()
    with pytest.raises(OSError):
        client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        for _ in range(100):
            client.send(b"x-a: b\r\n")
            time.sleep(0.1)
    assert time.monotonic() - start < 6


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_half_a_body_is_answered_408_in_the_dialect(world, client, framing):
    length = b"content-length: 100\r\n\r\n{" if framing == "length" else b"transfer-encoding: chunked\r\n\r\n5\r\n{"
    client.send(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: sk-client-1-abcdefgh\r\n" + length)
    answer = client.answer()
    assert answer.status == 408 and answer.json()["error"]["type"] == "timeout_error"
    assert client.is_closed()


def test_a_body_that_trickles_for_ever_ends(client):
    client.send(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: sk-client-1-abcdefgh\r\ncontent-length: 999\r\n\r\n")
    start = time.monotonic()
    with pytest.raises(OSError):
        for _ in range(60):
            client.send(b" ")
            time.sleep(0.2)
    assert time.monotonic() - start < 8


def test_an_idle_connection_is_closed_without_a_word(client):
    assert client.is_closed(4)


def test_a_connection_that_was_used_is_closed_without_a_word(client):
    client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert client.answer().status == 200
    assert client.is_closed(4)


def test_an_upstream_that_does_not_begin_is_tried_elsewhere(world, client):
    name = serve(world, HOLD)
    client.send(chat(f"spared-{name}"))
    assert client.answer().json()["choices"][0]["message"]["content"] == TEXT
    assert world.upstream.call(name).closed.wait(1)
    row = world.last_row(f"spared-{name}")
    assert (row["outcome"], row["attempts"], row["site"]) == ("completed", 2, "spare")


def test_an_upstream_that_does_not_begin_is_504(world, client):
    name = serve(world, HOLD)
    client.send(chat(f"model-{name}"))
    answer = client.answer()
    assert answer.status == 504 and answer.json()["error"]["code"] == "upstream_timeout"
    client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert client.answer().status == 200


def test_an_upstream_that_falls_silent_breaks_the_stream(world, client):
    name = serve(world, stream(Chat.begin + Chat.content[:1], end=b""), HOLD)
    client.send(chat(f"model-{name}", stream=True))
    body = client.answer().body
    assert b"one " in body and b'"error"' in body and b"[DONE]" not in body
    assert world.last_row(f"model-{name}")["outcome"] == "truncated"


def test_the_total_time_ends_an_answer_without_another_attempt(world, client):
    trickle = [step for _ in range(40) for step in (chunk(b": ping\n\n"), 0.3)]
    name = serve(world, STREAM_HEAD, *trickle)
    client.send(chat(f"spared-{name}", stream=True))
    assert client.answer().status == 504
    row = world.last_row(f"spared-{name}")
    assert (row["outcome"], row["attempts"]) == ("failed", 1)


def test_the_total_time_ends_a_stream(world, client):
    trickle = [step for _ in range(40) for step in (chunk(Chat.content[0]), 0.3)]
    name = serve(world, stream(Chat.begin, end=b""), *trickle)
    client.send(chat(f"model-{name}", stream=True))
    body = client.answer().body
    assert b"one " in body and b'"error"' in body and b"[DONE]" not in body
    assert world.upstream.call(name).closed.wait(1)


def test_a_client_that_takes_nothing_is_dropped(world):
    name = serve(world, stream(Chat.begin, end=b""), Flood(chunk(Chat.content[0]) * 200))
    with RawClient(world.running.port, receive_buffer=4096) as client:
        client.send(chat(f"model-{name}", stream=True))
        assert world.upstream.call(name).closed.wait(6)
    assert world.last_row(f"model-{name}")["outcome"] in ("cancelled", "truncated")


@pytest.mark.parametrize("headers", [["connection: close"], []])
def test_a_slow_client_gets_all_of_a_long_document(world, headers):
    text = "x" * 6_000_000
    whole = {**Chat.whole, "choices": [{**Chat.whole["choices"][0], "message": {"role": "assistant", "content": text}}]}
    name = serve(world, document(whole), NEXT)
    with RawClient(world.running.port, receive_buffer=65536) as client:
        client.send(chat(f"model-{name}", headers=headers))
        client.until(b'"content": "')
        parts = [client.buffer]
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            parts.append(client.socket.recv(32768))
            time.sleep(0.05)
        client.socket.settimeout(10)
        while sum(map(len, parts)) < len(text):
            data = client.socket.recv(1 << 20)
            assert data, f"cut after {sum(map(len, parts))} bytes"
            parts.append(data)
