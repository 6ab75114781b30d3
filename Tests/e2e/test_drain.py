"""How the gateway ends: readiness first, then the listener, then the requests, and last what is left."""

import json
import signal
import threading
import time

import httpx
import pytest
from fakes.frames import STREAM_HEAD, TEXT, Chat, Messages, chunk, document, stream
from fakes.scripted import HOLD, NEXT
from raw_client import RawClient, chat, post, wait_for
from scripted_world import World

GOOD = [document(Chat.whole), NEXT]


class Ending:
    """A gateway that a test ends, with its upstream."""

    def __init__(self, directory, drain):
        self.world = World(directory, sites=4, options=f"drain: {drain}, ")
        self.process = self.world.running.gateway.process
        self.port = self.world.running.port

    def play(self, *steps, name="chat-0"):
        self.world.upstream.play(name, *steps)
        return f"model-{name}"

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return time.monotonic()

    def ready(self):
        try:
            return httpx.get(f"http://127.0.0.1:{self.world.running.admin_port}/readyz", timeout=2).status_code
        except httpx.HTTPError:
            return None

    def accepts(self):
        try:
            with RawClient(self.port) as client:
                client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                return client.answer().status == 200
        except (OSError, AssertionError):
            return False

    def status(self, seconds=20):
        return self.process.wait(seconds)

    def rows(self, count):
        """The ledger as another start finds it."""
        self.world.running.gateway.start().wait_ready(self.port)
        assert wait_for(lambda: self.ready() == 200)
        assert wait_for(lambda: len(self.world.running.request_rows()) >= count)
        return self.world.running.request_rows()


@pytest.fixture
def ending(tmp_path, request):
    ending = Ending(tmp_path, getattr(request, "param", "{ deadline: 10s }"))
    yield ending
    ending.world.stop()


def test_an_idle_gateway_ends_at_once_and_well(ending):
    began = ending.signal()
    assert ending.status() == 0
    assert time.monotonic() - began < 3


def test_interrupt_is_as_good(ending):
    ending.signal(signal.SIGINT)
    assert ending.status() == 0


def test_a_stream_finishes_and_new_connections_are_refused(ending):
    model = ending.play(STREAM_HEAD + chunk(Chat.begin[0] + Chat.content[0]), 1.5,
                        stream(Chat.content[1:] + Chat.end)[len(STREAM_HEAD):], NEXT)
    with RawClient(ending.port) as client:
        client.send(chat(model, stream=True))
        client.until(b"one ")
        ending.signal()
        assert wait_for(lambda: ending.ready() == 503, 1)
        assert wait_for(lambda: not ending.accepts(), 1)
        rest = client.until(b"[DONE]")
        assert b"three" in rest and b"error" not in rest
        assert client.rest().endswith(b"0\r\n\r\n")
    assert ending.status() == 0
    assert [row["outcome"] for row in ending.rows(1)] == ["completed"]


def test_an_answer_says_that_the_connection_ends(ending):
    model = ending.play(0.8, *GOOD)
    with RawClient(ending.port) as client:
        client.send(chat(model))
        ending.world.upstream.call("chat-0")
        ending.signal()
        answer = client.answer()
        assert answer.status == 200 and answer.json()["choices"][0]["message"]["content"] == TEXT
        assert answer.headers["connection"] == "close"
        assert client.is_closed()
    assert ending.status() == 0


def test_a_request_on_its_way_over_an_idle_connection_is_answered(ending):
    model = ending.play(*GOOD)
    held = ending.play(STREAM_HEAD + chunk(Chat.begin[0] + Chat.content[0]), 1.0,
                       stream(Chat.content[1:] + Chat.end)[len(STREAM_HEAD):], NEXT, name="chat-1")
    with RawClient(ending.port) as idle, RawClient(ending.port) as busy:
        idle.send(chat(model))
        assert idle.answer().status == 200
        busy.send(chat(held, stream=True))
        busy.until(b"one ")
        ending.signal()
        assert wait_for(lambda: not ending.accepts(), 1)
        idle.send(chat(model))
        answer = idle.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert busy.until(b"[DONE]")
    assert ending.status() == 0


@pytest.mark.parametrize("ending", ["{ delay: 1s, deadline: 10s }"], indirect=True)
def test_the_delay_gives_balancers_time(ending):
    model = ending.play(*GOOD)
    ending.signal()
    assert wait_for(lambda: ending.ready() == 503, 1)
    with RawClient(ending.port) as client:
        client.send(chat(model))
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert ending.status() == 0


FORMATS = {"chat": Chat, "messages": Messages}


@pytest.mark.parametrize("ending", ["{ deadline: 500ms }"], indirect=True)
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_left_at_the_deadline_gets_an_error_of_its_dialect(ending, name):
    kind, site = FORMATS[name], f"{name}-0"
    model = ending.play(STREAM_HEAD + chunk(b"".join(kind.begin) + kind.content[0]), HOLD, name=site)
    waiting = ending.play(HOLD, name=f"{name}-1")
    path = "/v1/chat/completions" if name == "chat" else "/v1/messages"
    body = {"model": model, "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    with RawClient(ending.port) as streaming, RawClient(ending.port) as silent:
        streaming.send(post(path, body))
        streaming.until(b"one ")
        silent.send(post(path, {**body, "model": waiting, "stream": False}))
        ending.world.upstream.call(f"{name}-1")
        began = ending.signal()
        rest = streaming.rest()
        answer = silent.answer()
        assert 0.4 < time.monotonic() - began < 4
    assert b"shutting down" in rest and rest.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in rest and b"message_stop" not in rest
    assert (b"event: error" in rest) == (name == "messages")
    assert (answer.status, answer.headers["connection"], answer.headers["retry-after"]) == (503, "close", "1")
    error = answer.json()["error"]
    assert error.get("code") == "shutting_down" if name == "chat" else error["type"] == "overloaded_error"
    assert ending.status() == 3
    rows = {row["model"]: row for row in ending.rows(2)}
    assert (rows[model]["outcome"], rows[waiting]["outcome"]) == ("truncated", "failed")
    assert {row["error_code"] for row in rows.values()} == {"shutting_down"}


@pytest.mark.parametrize("ending", ["{ deadline: 60s }"], indirect=True)
def test_a_second_signal_ends_at_once_and_the_ledger_knows(ending):
    model = ending.play(STREAM_HEAD + chunk(Chat.begin[0] + Chat.content[0]), HOLD)
    with RawClient(ending.port) as client:
        client.send(chat(model, stream=True))
        client.until(b"one ")
        ending.signal()
        assert wait_for(lambda: not ending.accepts(), 1)
        began = ending.signal()
        assert ending.status() == 128 + signal.SIGTERM
        assert time.monotonic() - began < 1
    assert [row["outcome"] for row in ending.rows(1)] == ["interrupted"]


def test_clients_under_load_lose_no_answer(ending):
    """Every request that was sent over an open connection is answered; only new connections are refused."""
    model = ending.play(document(Chat.whole), NEXT)
    answered, broken, stop = [], [], threading.Event()

    def work():
        try:
            with RawClient(ending.port) as client:
                while not stop.is_set():
                    client.send(chat(model))
                    answer = client.answer()
                    answered.append(answer.status)
                    if answer.headers.get("connection") == "close":
                        return
        except (OSError, AssertionError) as error:
            broken.append(repr(error))

    workers = [threading.Thread(target=work) for _ in range(16)]
    for worker in workers:
        worker.start()
    time.sleep(1)
    ending.signal()
    assert ending.status() == 0
    stop.set()
    for worker in workers:
        worker.join(10)
    assert broken == [] and set(answered) == {200} and len(answered) > 100
    assert len(ending.rows(len(answered))) == len(answered)
    print(json.dumps({"answered": len(answered)}))
