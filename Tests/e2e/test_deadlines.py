"""Each time-out, with an upstream that stalls at exactly that point; and connections per client address."""

import socket
import time

import httpx
import pytest
from fakes.frames import STREAM_HEAD, TEXT, Chat, Messages, chunk, document, stream
from fakes.scripted import HOLD, NEXT
from gateway import KEY
from governed_world import Governed
from raw_client import RawClient, chat, post, wait_for

KINDS = {"chat": Chat, "messages": Messages}
PINGS = [step for _ in range(40) for step in (chunk(b": ping\n\n"), 0.1)]
SHORT = {
    "connect": "timeouts: { connect: 300ms }",
    "write": "timeouts: { write: 300ms }",
    "first_byte": "timeouts: { first_byte: 300ms }",
    "first_event": "timeouts: { first_event: 300ms }",
    "idle": "timeouts: { idle: 300ms }",
}


class Deaf:
    """Accepts connections, or not even that, and reads nothing."""

    def __init__(self, accepts):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64 if accepts else 0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        if not accepts:
            # The kernel answers no more connections once its queue is full.
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", self.port))
                self.fillers.append(filler)

    def close(self):
        for part in [self.listener, *self.fillers]:
            part.close()


@pytest.fixture(scope="module")
def deaf():
    parts = {"connect": Deaf(False), "write": Deaf(True)}
    yield parts
    for part in parts.values():
        part.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory, deaf):
    # A site that answers a stream with a document fails, and is not to rest for those that want a document.
    sites = {"spare": "", "mute": ""}
    routes = ""
    for kind in KINDS:
        for phase, settings in SHORT.items():
            sites[f"{kind}-{phase}"] = settings
            routes += (f"  - {{ model: spared-{kind}-{phase}, channels: [ {{ site: {kind}-{phase}, account: main, model: m }}, "
                       f"{{ site: {spare(phase)}, account: main, model: m, priority: 1 }} ] }}\n")
    routes += "  - { model: hasty, timeouts: { first_byte: 300ms, total: 2s }, channels: [ { site: patient, account: main, model: m } ] }\n"
    routes += "  - { model: brief, timeouts: { total: 700ms }, channels: [ { site: patient, account: main, model: m } ] }\n"
    sites["patient"] = "timeouts: { first_byte: 20s }"
    sites["plain"] = ""
    world = Wired(tmp_path_factory.mktemp("deadlines"), sites, deaf, routes)
    world.play("spare", document(Chat.whole), NEXT)
    world.play("mute", document(Chat.whole), NEXT)
    yield world
    world.stop()


class Wired(Governed):
    def __init__(self, directory, sites, deaf, routes):
        self.deaf = deaf
        super().__init__(directory, sites, routes=routes, settings="timeouts: { total: 10s, idle: 8s, first_byte: 1s }\n",
                         gateway="event_loops: 2, ")

    def site(self, name, options):
        text = super().site(name, options)
        phase = name.partition("-")[2]
        if phase in self.deaf:
            text = text.replace(self.upstream.url(name), f"http://127.0.0.1:{self.deaf[phase].port}")
        return text


def spare(phase):
    return "mute" if phase in ("first_event", "idle") else "spare"


def request(kind, model, is_stream, filler=0):
    body = {"model": model, "messages": [{"role": "user", "content": "hello" + " x" * filler}], "stream": is_stream}
    if kind == "messages":
        return post("/v1/messages", {**body, "max_tokens": 9})
    return post("/v1/chat/completions", body)


def stall(world, kind, phase):
    """Lets the site stall in the phase; the size of the filler that the request needs for it."""
    frames = KINDS[kind]
    scripts = {
        "first_byte": [HOLD],
        "first_event": [STREAM_HEAD, *PINGS],
        "idle": [STREAM_HEAD + b"".join(map(chunk, frames.begin[:1])), HOLD],
    }
    if phase in scripts:
        world.play(f"{kind}-{phase}", *scripts[phase])
    return 12_000_000 if phase == "write" else 0


@pytest.mark.parametrize("phase", SHORT)
@pytest.mark.parametrize("kind", KINDS)
def test_before_the_answer_another_channel_is_asked(world, kind, phase):
    filler = stall(world, kind, phase)
    start = time.monotonic()
    with RawClient(world.port) as client:
        client.send(request("chat", f"spared-{kind}-{phase}", phase in ("first_event", "idle"), filler))
        if phase in ("first_event", "idle"):
            # The spare site answers the stream with a document, which becomes a stream.
            answer = client.answer()
            assert answer.status == 200 and TEXT.encode() in answer.body and b"[DONE]" in answer.body
        else:
            answer = client.answer()
            assert answer.status == 200, answer.body
            assert answer.json()["choices"][0]["message"]["content"] == TEXT
    assert 0.25 < time.monotonic() - start < 5
    row = world.admin.get(f"/requests/{world.last_row(f'spared-{kind}-{phase}')['id']}").json()
    first = row["attempt_list"][0]
    assert first["site"] == f"{kind}-{phase}" and first["fault"] == "network", row
    assert row["attempt_list"][1]["site"] == spare(phase)


@pytest.mark.parametrize("phase", SHORT)
@pytest.mark.parametrize("kind", KINDS)
def test_alone_it_is_504_in_the_dialect(world, kind, phase):
    # The site rests after the test before; its rest is waited for.
    filler = stall(world, kind, phase)
    with RawClient(world.port) as client:
        client.socket.settimeout(20)
        client.send(request(kind, f"{kind}-{phase}", phase in ("first_event", "idle"), filler))
        answer = client.answer()
    error = answer.json()["error"]
    assert answer.status == 504, answer.body
    assert error["type"] == ("timeout_error" if kind == "messages" else "server_error")
    # What has timed out is not tried again: the upstream may be at work still.
    assert wait_for(lambda: world.last_row(f"{kind}-{phase}")["outcome"] == "failed")
    assert world.last_row(f"{kind}-{phase}")["attempts"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_after_the_first_event_silence_ends_the_stream_with_an_error(world, kind):
    frames = KINDS[kind]
    world.play(f"{kind}-idle", STREAM_HEAD + b"".join(map(chunk, frames.begin + frames.content[:1])), HOLD)
    assert wait_for(lambda: world.explain(f"{kind}-idle")["outcome"] == "routed", 8)
    start = time.monotonic()
    with RawClient(world.port) as client:
        client.send(request(kind, f"{kind}-idle", True))
        body = client.answer().body
    assert 0.25 < time.monotonic() - start < 3
    assert b"one " in body and b'"error"' in body
    assert (b"event: error" in body and b"message_stop" not in body) if kind == "messages" else b"[DONE]" not in body
    assert wait_for(lambda: world.last_row(f"{kind}-idle")["outcome"] == "truncated")


def test_comments_do_not_postpone_the_first_event_but_silence_after_it(world):
    world.play("plain", STREAM_HEAD + b"".join(map(chunk, Chat.begin + Chat.content[:1])), *PINGS[:24],
               b"".join(map(chunk, Chat.content[1:] + Chat.end)) + b"0\r\n\r\n")
    with RawClient(world.port) as client:
        client.send(chat("plain", stream=True))
        assert b"[DONE]" in client.answer().body


def test_the_route_is_nearer_than_the_site(world):
    world.play("patient", HOLD)
    start = time.monotonic()
    with RawClient(world.port) as client:
        assert client.send(chat("hasty")).answer().status == 504
    assert 0.25 < time.monotonic() - start < 3


def test_the_total_time_of_a_route(world):
    assert wait_for(lambda: world.explain("brief")["outcome"] == "routed", 8)
    world.play("patient", STREAM_HEAD, *PINGS)
    start = time.monotonic()
    with RawClient(world.port) as client:
        assert client.send(chat("brief", stream=True)).answer().status == 504
    assert 0.6 < time.monotonic() - start < 2.5
    # A request that took too long is no proof against the site.
    assert world.explain("patient")["outcome"] in ("routed", "unknown_model")
    assert all(candidate["cooling"] is None for candidate in world.explain("brief")["candidates"])


def test_body_and_head_limits_of_sites_and_routes(tmp_path):
    world = Governed(
        tmp_path, {"small": "limits: { body: 2KiB, header: 1KiB }", "large": "limits: { body: 64KiB }", "usual": ""},
        settings="limits: { body: 4KiB }\n",
        routes="  - { model: either, channels: [ { site: small, account: main, model: m }, { site: large, account: main, model: m, priority: 1 } ] }\n"
               "  - { model: narrow, limits: { body: 1KiB }, channels: [ { site: large, account: main, model: m } ] }\n")
    try:
        for name in ("small", "large", "usual"):
            world.play(name, document(Chat.whole), NEXT)

        def status(model, size, headers=None):
            body = {"model": model, "messages": [{"role": "user", "content": "x" * size}]}
            answer = httpx.post(f"{world.url}/v1/chat/completions", json=body,
                                headers={"authorization": f"Bearer {KEY}", **(headers or {})})
            return answer.status_code
        assert status("usual", 3000) == 200 and status("usual", 5000) == 413
        assert status("large", 50_000) == 200 and status("large", 70_000) == 413
        assert status("small", 1000) == 200 and status("small", 3000) == 413
        assert status("narrow", 500) == 200 and status("narrow", 2000) == 413
        assert status("either", 3000) == 200 and world.last_row("either")["site"] == "large"
        assert status("small", 10, {"x-filler": "a" * 2000}) == 431
        assert status("usual", 10, {"x-filler": "a" * 2000}) == 200
    finally:
        world.stop()


def test_connections_per_client_address(tmp_path):
    world = Governed(tmp_path, {"usual": ""}, settings="limits: { connections_per_address: 8 }\n",
                     routes="  - { model: few, limits: { connections_per_address: 2 }, channels: [ { site: usual, account: main, model: m } ] }\n")
    try:
        world.play("usual", document(Chat.whole), NEXT)
        clients = [RawClient(world.port) for _ in range(8)]
        for client in clients:
            assert client.send(chat("usual")).answer().status == 200
        with RawClient(world.port) as surplus:
            answer = surplus.send(chat("usual")).answer()
            assert answer.status == 429 and answer.headers["retry-after"] == "1"
            assert answer.json()["error"]["code"] == "rate_limit_exceeded"
            assert surplus.is_closed()
        with RawClient(world.port) as surplus:
            answer = surplus.send(post("/v1/messages", {})).answer()
            assert answer.status == 429 and answer.json()["error"]["type"] == "rate_limit_error"
        # Those that were there before go on, the routes that allow fewer do not.
        assert clients[0].send(chat("usual")).answer().status == 200
        assert clients[0].send(chat("few")).answer().status == 200
        assert clients[5].send(chat("few")).answer().status == 429
        for client in clients:
            client.socket.close()
        assert wait_for(lambda: RawClient(world.port).send(chat("few")).answer().status == 200)
        # Beyond twice the limit nobody is let in at all.
        clients = [RawClient(world.port) for _ in range(40)]
        time.sleep(0.2)
        assert sum(client.is_closed(0.05) for client in clients) >= 5
        for client in clients:
            client.socket.close()
    finally:
        world.stop()


@pytest.mark.parametrize("pool, peers", [("size: 1", 1), ("max_age: 400ms", 3), ("idle: 0", 9), ("idle_time: 30s", 1)])
def test_upstream_connections_have_a_size_and_an_age(tmp_path, pool, peers):
    world = Governed(tmp_path, {"pooled": f"pool: {{ {pool} }}"}, gateway="event_loops: 1, ")
    try:
        world.play("pooled", 0.02, document(Chat.whole), NEXT)
        together = 6 if pool == "size: 1" else 1
        for _ in range(3):
            clients = [RawClient(world.port).send(chat("pooled")) for _ in range(together)]
            for client in clients:
                assert client.answer().status == 200
                assert client.send(chat("pooled")).answer().status == 200
                assert client.send(chat("pooled")).answer().status == 200
                client.socket.close()
            time.sleep(0.8)
        assert len({call.peer for call in world.upstream.calls("pooled")}) == peers
    finally:
        world.stop()
