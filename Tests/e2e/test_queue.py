"""Places at sites, accounts and routes, and the lines before them."""

import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from fakes.frames import TEXT, Chat, document, stream
from fakes.scripted import HOLD, NEXT, RESET, Until
from governed_world import Governed
from raw_client import RawClient, chat, post, wait_for

USER = [{"role": "user", "content": "hello"}]
GOOD = [document(Chat.whole), NEXT]
ONE = "max_concurrency: 1\nqueue: { length: 8, timeout: 5s }"
ACCOUNTS = """accounts:
  - { name: main, credential: { kind: api_key, api_key: sk-1 }, models: [capped], max_concurrency: 1 }
  - { name: other, credential: { kind: api_key, api_key: sk-2 }, models: [capped] }
queue: { length: 0 }"""
SITES = {
    **{name: ONE for name in ("fifo", "leaving", "failing", "looping", "shown", "both", "reload")},
    "full": "max_concurrency: 1\nqueue: { length: 1, timeout: 5s }",
    "expired": "max_concurrency: 1\nqueue: { length: 8, timeout: 300ms }",
    "none": "max_concurrency: 1\nqueue: { length: 0 }",
    "crowded": ONE, "next": "max_concurrency: 1\nqueue: { length: 0 }", "late": "max_concurrency: 1\nqueue: { timeout: 300ms }",
    "wide": ONE, "tight": "limits: { body: 1KiB }",
    "capped": ACCOUNTS, "free": "", "spare": "", "hurried": "max_concurrency: 1\nqueue: { timeout: 20s }",
}
ROUTES = """
  - { model: same, channels: [ { site: crowded, account: main, model: m }, { site: free, account: main, model: m } ] }
  - { model: fitting, channels: [ { site: wide, account: main, model: m, weight: 1000 }, { site: tight, account: main, model: m, weight: 1 } ] }
  - { model: full-first, channels: [ { site: next, account: main, model: m }, { site: spare, account: main, model: m, priority: 1 } ] }
  - { model: late-first, channels: [ { site: late, account: main, model: m }, { site: spare, account: main, model: m, priority: 1 } ] }
  - { model: narrow, max_concurrency: 1, queue: { length: 1, timeout: 5s }, channels: [ { site: free, account: main, model: m } ] }
  - { model: impatient, queue: { timeout: 200ms }, channels: [ { site: hurried, account: main, model: m } ] }
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = Governed(
        tmp_path_factory.mktemp("queue"), SITES, routes=ROUTES, gateway="event_loops: 3, ",
        settings="timeouts: { first_byte: 30s }\n")
    for name in SITES:
        world.play(name, *GOOD)
    yield world
    world.stop()


class Holder:
    """Holds the only place of a site with a stream of its own."""

    def __init__(self, world, site, model=None, good=True):
        self.go = Until()
        rest = stream(Chat.content[1:] + Chat.end).split(b"\r\n\r\n", 1)[1]
        first = [stream(Chat.begin + Chat.content[:1], end=b""), self.go, rest]
        known = world.calls(site)
        world.play_each(site, *([GOOD] * known), first, GOOD if good else [HOLD])
        self.client = RawClient(world.port).send(chat(model or site, stream=True))
        self.client.until(b"one ")

    def release(self):
        self.go.open()
        self.client.until(b"[DONE]")
        self.client.socket.close()


def ask(world, model):
    return world.openai().chat.completions.create(model=model, messages=USER).choices[0].message.content


def waiting(world, gate):
    return world.metric("patchbay_queue_waiting", gate=gate)


def test_a_request_waits_rather_than_go_where_it_does_not_fit(world):
    holder = Holder(world, "wide")
    large = [{"role": "user", "content": "x" * 4096}]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(world.openai().chat.completions.create, model="fitting", messages=large)
        assert wait_for(lambda: waiting(world, "wide") == 1)
        holder.release()
        assert answer.result().choices[0].message.content == TEXT
    assert world.calls("tight") == 0


def test_those_who_wait_come_in_order(world):
    holder = Holder(world, "fifo")
    clients = []
    for number in range(4):
        body = {"model": "fifo", "messages": [{"role": "user", "content": f"number {number}"}]}
        clients.append(RawClient(world.port).send(post("/v1/chat/completions", body)))
        assert wait_for(lambda: waiting(world, "fifo") == number + 1)
    before = world.calls("fifo")
    holder.release()
    for client in clients:
        assert client.answer().json()["choices"][0]["message"]["content"] == TEXT
        client.socket.close()
    bodies = [call.body for call in world.upstream.calls("fifo")[before:]]
    assert [f"number {number}".encode() in body for number, body in enumerate(bodies)] == [True] * 4
    assert waiting(world, "fifo") == 0
    assert world.metric("patchbay_queue_wait_seconds_count", gate="fifo") == 4


def test_a_full_line_is_429(world):
    holder = Holder(world, "full")
    with RawClient(world.port).send(chat("full")) as second:
        assert wait_for(lambda: waiting(world, "full") == 1)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(world, "full")
        assert caught.value.code == "queue_full" and '"full"' in caught.value.message
        assert int(caught.value.response.headers["retry-after"]) >= 1
        holder.release()
        assert second.answer().status == 200
    assert world.metric("patchbay_limit_hits_total", scope="queue", limit="full") >= 1


def test_no_line_is_429_at_once(world):
    holder = Holder(world, "none")
    with pytest.raises(openai.RateLimitError):
        ask(world, "none")
    holder.release()
    assert ask(world, "none") == TEXT


def test_who_waits_too_long_is_429(world):
    holder = Holder(world, "expired")
    start = time.monotonic()
    with pytest.raises(openai.RateLimitError) as caught:
        ask(world, "expired")
    assert 0.25 < time.monotonic() - start < 3
    assert caught.value.code == "queue_full" and waiting(world, "expired") == 0
    holder.release()
    assert ask(world, "expired") == TEXT
    assert world.metric("patchbay_limit_hits_total", scope="queue", limit="timeout") >= 1


def test_a_free_channel_of_the_same_priority_comes_before_a_line(world):
    holder = Holder(world, "crowded")
    free = world.calls("free")
    for _ in range(6):
        assert ask(world, "same") == TEXT
    assert world.calls("free") == free + 6 and waiting(world, "crowded") == 0
    holder.release()


def test_a_full_line_leads_to_the_next_priority(world):
    holder = Holder(world, "next")
    assert ask(world, "full-first") == TEXT
    holder.release()
    row = world.last_row("full-first")
    assert (row["site"], row["attempts"]) == ("spare", 1)


def test_who_waits_too_long_comes_to_the_next_priority(world):
    holder = Holder(world, "late")
    assert ask(world, "late-first") == TEXT
    holder.release()
    assert world.last_row("late-first")["site"] == "spare"


def test_the_route_decides_how_long_is_waited(world):
    holder = Holder(world, "hurried")
    start = time.monotonic()
    with pytest.raises(openai.RateLimitError):
        ask(world, "impatient")
    assert time.monotonic() - start < 3
    holder.release()


def test_a_client_that_leaves_the_line_is_not_let_in(world):
    holder = Holder(world, "leaving")
    before = world.calls("leaving")
    leaver = RawClient(world.port).send(chat("leaving"))
    assert wait_for(lambda: waiting(world, "leaving") == 1)
    stayer = RawClient(world.port).send(chat("leaving"))
    assert wait_for(lambda: waiting(world, "leaving") == 2)
    leaver.socket.close()
    assert wait_for(lambda: waiting(world, "leaving") == 1)
    holder.release()
    assert stayer.answer().status == 200
    stayer.socket.close()
    assert world.calls("leaving") == before + 1
    assert wait_for(lambda: sorted(row["outcome"] for row in world.request_rows(model="leaving"))
                    == ["cancelled", "completed", "completed"])


FAILURES = [[RESET], [document({"error": {"message": "no"}}, 400)], [document({"error": {"message": "no"}}, 500)],
            [stream(Chat.begin + Chat.content[:1], end=b""), 0.02, RESET]]


def test_every_end_of_an_attempt_frees_the_place(world):
    for script in FAILURES:
        for is_stream in (False, True):
            known = world.calls("failing")
            world.play_each("failing", *([GOOD] * known), *([script] * 4), GOOD)
            with RawClient(world.port) as client:
                client.send(chat("failing", stream=is_stream))
                client.answer()
            world.play("failing", *GOOD)
            assert wait_for(lambda: serves(world, "failing"), 8)


def serves(world, model):
    try:
        return ask(world, model) == TEXT
    except openai.APIStatusError:
        return False


def test_no_more_are_under_way_than_allowed(world):
    world.play("looping", 0.02, *GOOD)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: ask(world, "looping"), range(40))) == [TEXT] * 40
    calls = world.upstream.calls("looping")
    # An answer may be with the client before the upstream has noted that it is out.
    assert len(calls) == 40 and all(call.closed.wait(5) for call in calls)


def test_accounts_have_places_of_their_own(world):
    holder = Holder(world, "capped")
    keys = []
    for _ in range(6):
        assert ask(world, "capped") == TEXT
        keys.append(b"sk-2" in world.upstream.calls("capped")[-1].head)
    # The stream holds the place of one account or none; the capped one never gets a second request.
    held = b"sk-1" in [call for call in world.upstream.calls("capped") if not call.closed_at][0].head
    assert all(keys) if held else any(keys)
    holder.release()


def test_a_route_has_places_of_its_own(world):
    holder = Holder(world, "free", model="narrow")
    with RawClient(world.port).send(chat("narrow")) as second:
        assert wait_for(lambda: waiting(world, "narrow") == 1)
        with pytest.raises(openai.RateLimitError):
            ask(world, "narrow")
        assert ask(world, "free") == TEXT
        holder.release()
        assert second.answer().status == 200
    assert wait_for(lambda: serves(world, "narrow"))


def test_lines_are_explained(world):
    holder = Holder(world, "shown")
    candidate = world.explain("shown")["candidates"][0]
    assert candidate["reason"] == "queued" and candidate["taken"]
    assert candidate["gates"] == [
        {"scope": "site", "name": "shown", "places": 1, "taken": 1, "waiting": 0, "queue_length": 8}]
    holder.release()
    assert wait_for(lambda: world.explain("shown")["candidates"][0]["reason"] == "taken")


def test_more_places_let_those_in_who_wait(world):
    made = world.admin.post("/sites", json={
        "name": "grown", "platform": "openai", "base_url": world.upstream.url("grown"), "max_concurrency": 1,
        "queue": {"length": 4, "timeout": 5000}})
    assert made.status_code == 201, made.text
    assert made.json()["queue"] == {"length": 4, "timeout": 5000}
    world.admin.post("/accounts", json={
        "site": "grown", "name": "main", "credential": {"kind": "api_key", "api_key": "sk-1"}, "models": ["grown"]})
    holder = Holder(world, "grown")
    with RawClient(world.port).send(chat("grown")) as second:
        assert wait_for(lambda: waiting(world, "grown") == 1)
        world.admin.patch("/sites/grown", json={"max_concurrency": 2})
        assert second.answer().status == 200
    holder.release()


def test_the_end_of_the_gateway_empties_the_line(tmp_path):
    world = Governed(tmp_path, {"last": "max_concurrency: 1"})
    try:
        holder = Holder(world, "last")
        with RawClient(world.port).send(chat("last")) as second:
            assert wait_for(lambda: waiting(world, "last") == 1)
            world.gateway.process.terminate()
            holder.release()
            assert second.answer().status == 200
        assert world.gateway.process.wait(10) == 0
    finally:
        world.stop()
