"""Failures and what comes after them: who is asked next, after which wait, who rests, and what a client is told."""

import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import anthropic
import httpx
import openai
import pytest
from fakes.frames import END, STREAM_HEAD, TEXT, Chat, Messages, chunk, document, stream
from fakes.scripted import HOLD, NEXT, RESET
from gateway import KEY
from governed_world import Governed
from raw_client import wait_for

USER = [{"role": "user", "content": "hello"}]
GOOD = [document(Chat.whole), NEXT]
OOPS = [document(Chat.error_document, 500)]
NAMES = [f"site-{number}" for number in range(120)]


def limited(*headers):
    return [document({"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}, 429, headers)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three sites in a row for every route `row-N`, each site also alone under its own name."""
    rows = "".join(
        f"  - {{ model: row-{number}, channels: [ "
        + ", ".join(f"{{ site: {name}, account: main, model: m, priority: {place} }}"
                    for place, name in enumerate(NAMES[number:number + 3])) + " ] }\n"
        for number in range(0, 117, 3))
    twice = ("  - { model: twice, retry: { max_attempts: 2 }, channels: [ { site: site-119, account: main, model: m } ] }\n"
             "  - { model: once, retry: { max_attempts: 1 }, channels: [ { site: site-118, account: main, model: m } ] }\n")
    world = Governed(
        tmp_path_factory.mktemp("retries"), {**{name: "" for name in NAMES}, "messages": "", "accounts": ACCOUNTS},
        routes=rows + twice, settings="timeouts: { first_byte: 3s }\npool: { idle: 0 }\n", gateway="event_loops: 1, ")
    for name in NAMES:
        world.play(name, *GOOD)
    world.numbers = iter(range(0, 117, 3))
    yield world
    world.stop()


ACCOUNTS = """accounts:
  - { name: main, credential: { kind: api_key, api_key: sk-1 }, models: [accounts] }
  - { name: other, credential: { kind: api_key, api_key: sk-2 }, models: [accounts] }"""


@pytest.fixture
def row(world):
    """A route of three sites that nobody has used, with their names."""
    number = next(world.numbers)
    return f"row-{number}", NAMES[number:number + 3]


@pytest.fixture
def alone(world):
    """A site that nobody has used; its name is also its model's."""
    return NAMES[next(world.numbers)]


def ask(world, model, **arguments):
    return world.openai().chat.completions.create(model=model, messages=USER, **arguments)


# The same party once more.

PASSING = {
    "status 500": OOPS,
    "status 503": [document(Chat.error_document, 503)],
    "status 429": limited(),
    "overloaded": [document({"error": {"message": "overloaded", "type": "overloaded_error"}}, 529)],
    "reset": [RESET],
    "closed": [],
    "error event": [STREAM_HEAD + chunk(Chat.error) + END],
    "empty stream": [STREAM_HEAD + END],
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_failure_that_passes_is_tried_again_after_a_moment(world, fault, is_stream, request):
    if not is_stream and fault in ("error event", "empty stream"):
        pytest.skip("only streams have events")
    name = f"fresh-{abs(hash(request.node.name))}"
    add_site(world, name)
    good = [stream(Chat.begin + Chat.content + Chat.end)] if is_stream else GOOD
    world.play_each(name, PASSING[fault], good)
    start = time.monotonic()
    if is_stream:
        text = "".join(part.choices[0].delta.content or "" for part in ask(world, name, stream=True) if part.choices)
    else:
        text = ask(world, name).choices[0].message.content
    # Half of the base at least, and not more than it with all that a slow machine adds.
    assert text == TEXT and 0.1 <= time.monotonic() - start < 3
    assert world.calls(name) == 2
    row = world.last_row(name)
    assert (row["outcome"], row["attempts"]) == ("completed", 2)
    assert world.metric("patchbay_retries_total", site=name) == 1


def add_site(world, name):
    made = world.admin.post("/sites", json={"name": name, "platform": "openai", "base_url": world.upstream.url(name)})
    assert made.status_code == 201, made.text
    made = world.admin.post("/accounts", json={
        "site": name, "name": "main", "credential": {"kind": "api_key", "api_key": "sk-1"}, "models": [name]})
    assert made.status_code == 201, made.text


def test_a_party_is_asked_four_times_at_most_with_growing_waits(world, alone):
    arrivals = watch(world, alone, OOPS)
    with pytest.raises(openai.InternalServerError):
        ask(world, alone)
    waits = [second - first for first, second in zip(arrivals(), arrivals()[1:])]
    assert len(waits) == 3
    for wait, base in zip(waits, (0.2, 0.4, 0.8)):
        assert base / 2 <= wait < base + 0.5


def watch(world, name, script):
    """Plays a script and returns a function that says when it was asked for."""
    world.play(name, *script)
    known = world.calls(name)
    return lambda: [call.arrived_at for call in world.upstream.calls(name)[known:]]


def test_a_route_may_allow_fewer_attempts(world):
    arrivals = watch(world, "site-119", OOPS)
    with pytest.raises(openai.InternalServerError):
        ask(world, "twice")
    assert len(arrivals()) == 2


ASKED = {
    "seconds": ("retry-after", lambda: "1", 1.0),
    "milliseconds": ("retry-after-ms", lambda: "700", 0.7),
    "a date": ("retry-after", lambda: formatdate(time.time() + 3, usegmt=True), 1.5),
}


@pytest.mark.parametrize("form", ASKED)
def test_what_the_upstream_asks_for_is_the_shortest_wait(world, form, request):
    header, value, least = ASKED[form]
    name = f"asked-{abs(hash(request.node.name))}"
    add_site(world, name)
    world.play_each(name, limited((header, value())), GOOD)
    start = time.monotonic()
    assert ask(world, name).choices[0].message.content == TEXT
    assert least <= time.monotonic() - start < least + 4


def test_a_long_wait_is_left_to_the_client(world, alone):
    world.play(alone, *limited(("retry-after", "30")))
    start = time.monotonic()
    with pytest.raises(openai.RateLimitError) as caught:
        ask(world, alone)
    assert time.monotonic() - start < 1 and world.calls(alone) == 1
    assert 25 <= int(caught.value.response.headers["retry-after"]) <= 30
    with pytest.raises(openai.APIStatusError) as caught:
        ask(world, alone)
    assert caught.value.status_code in (429, 503) and world.calls(alone) == 1
    assert 25 <= int(caught.value.response.headers["retry-after"]) <= 30


def test_a_nonsense_wait_is_capped(world, alone):
    world.play(alone, *limited(("retry-after", "99999999999")))
    with pytest.raises(openai.RateLimitError):
        ask(world, alone)
    assert world.explain(alone)["candidates"][0]["cooling"]["ms"] <= 600_000


def test_a_time_out_is_not_repeated_there(world, row):
    model, sites = row
    world.play(sites[0], HOLD)
    assert ask(world, model).choices[0].message.content == TEXT
    assert [world.calls(name) for name in sites] == [1, 1, 0]


# Another party.

CLIENT_MISTAKES = {
    "bad request": (400, {"error": {"message": "bad field", "type": "invalid_request_error", "code": None}}),
    "unprocessable": (422, {"error": {"message": "bad field", "type": "invalid_request_error", "code": None}}),
    "context length": (400, {"error": {"message": "This model's maximum context length is 8 tokens",
                                       "type": "invalid_request_error", "code": "context_length_exceeded"}}),
    "content filter": (400, {"error": {"message": "refused by the content management policy",
                                       "type": "invalid_request_error", "code": "content_filter"}}),
    "too large": (413, {"error": {"message": "too large", "type": "invalid_request_error", "code": None}}),
}


@pytest.mark.parametrize("mistake", CLIENT_MISTAKES)
def test_a_mistake_of_the_client_costs_one_call(world, row, mistake):
    model, sites = row
    status, body = CLIENT_MISTAKES[mistake]
    for name in sites:
        world.play(name, document(body, status))
    with pytest.raises(openai.APIStatusError) as caught:
        ask(world, model)
    assert caught.value.status_code == status and caught.value.body["message"] == body["error"]["message"]
    assert [world.calls(name) for name in sites] == [1, 0, 0]
    assert all(candidate["cooling"] is None for candidate in world.explain(model)["candidates"])
    for name in sites:
        world.play(name, *GOOD)
    assert ask(world, model).choices[0].message.content == TEXT


CHALLENGE = b"<!doctype html><html><head><title>Just a moment...</title></head></html>"
OTHERS = {
    "outage behind a 400": [document({"error": {"message": "upstream error: connection refused", "type": "upstream_error"}}, 400)],
    "error in a 200": [document({"error": {"message": "The server is overloaded", "type": "overloaded_error"}})],
    "challenge page": [document(CHALLENGE, 403, kind="text/html")],
    "challenge page as a 200": [document(CHALLENGE, kind="text/html")],
    "credential": [document({"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, 401)],
    "no balance": [document({"error": {"message": "credit balance is too low", "code": "insufficient_quota"}}, 429)],
    "no such model": [document({"error": {"message": "no such model", "code": "model_not_found"}}, 404)],
    "unknown path": [document({"error": {"message": "Invalid URL (POST /v1/chat/completions)"}}, 404)],
    "redirect": [document(b"", 302)],
}


@pytest.mark.parametrize("fault", OTHERS)
def test_what_concerns_one_party_is_tried_elsewhere_at_once(world, row, fault):
    model, sites = row
    world.play(sites[0], *OTHERS[fault])
    start = time.monotonic()
    assert ask(world, model).choices[0].message.content == TEXT
    assert time.monotonic() - start < 1
    assert [world.calls(name) for name in sites] == [1, 1, 0]
    first = world.explain(model)["candidates"]
    resting = [candidate for candidate in first if candidate["cooling"]]
    assert [candidate["site"] for candidate in resting] == sites[:1], resting
    # While it rests nobody asks it.
    assert ask(world, model).choices[0].message.content == TEXT
    assert world.calls(sites[0]) == 1


def test_a_rate_limit_concerns_one_account(world):
    def script(call):
        return limited(("retry-after", "20")) if b"sk-1" in call.head else GOOD
    world.upstream.play_by("accounts", script)
    for _ in range(4):
        assert ask(world, "accounts").choices[0].message.content == TEXT
    heads = [call.head for call in world.upstream.calls("accounts")]
    assert sum(b"sk-1" in head for head in heads) <= 1 and sum(b"sk-2" in head for head in heads) == 4
    cooling = {candidate["account"]: candidate["cooling"] for candidate in world.explain("accounts")["candidates"]}
    assert cooling["other"] is None


def test_a_site_that_cannot_be_reached_is_not_tried_with_every_account(world):
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{probe.getsockname()[1]}"
    accounts = [f"a{number}" for number in range(4)]
    world.admin.post("/sites", json={"name": "dead", "platform": "openai", "base_url": dead, "retry": {"max_attempts": 2}})
    for name in accounts:
        world.admin.post("/accounts", json={"site": "dead", "name": name, "models": ["dead"],
                                            "credential": {"kind": "api_key", "api_key": "sk-1"}})
    with pytest.raises(openai.APIStatusError) as caught:
        ask(world, "dead")
    assert caught.value.status_code == 502
    row = world.admin.get(f"/requests/{world.last_row('dead')['id']}").json()
    assert len(row["attempt_list"]) == 2 and len({attempt["account"] for attempt in row["attempt_list"]}) == 1


# Rests.

def test_a_short_rest_is_waited_for(world, alone):
    world.play_each(alone, [document({"error": {"message": "no"}}, 404)], GOOD)
    with pytest.raises(openai.APIStatusError):
        ask(world, alone)
    assert world.explain(alone)["outcome"] == "cooling"
    start = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        assert [answer.choices[0].message.content for answer in pool.map(lambda _: ask(world, alone), range(4))] == [TEXT] * 4
    assert 0.3 < time.monotonic() - start < 3


def test_a_rest_grows_and_success_makes_it_shorter(world):
    def rest():
        world.play("site-118", *OOPS)
        with pytest.raises(openai.APIStatusError):
            ask(world, "once")
        return world.explain("once")["candidates"][0]["cooling"]["ms"]

    def recover():
        world.play("site-118", *GOOD)
        assert ask(world, "once").choices[0].message.content == TEXT
    assert rest() <= 1000
    # The request waits for the end of the rest before it fails again.
    assert 1000 < rest() <= 2000
    recover()
    assert 1000 < rest() <= 2000
    recover()
    recover()
    assert rest() <= 1000


def test_the_configuration_may_change_while_requests_wait(world, alone):
    world.play_each(alone, OOPS, OOPS, GOOD)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, world, alone)
        for number in range(5):
            add_site(world, f"change-{number}")
            time.sleep(0.05)
        assert answer.result().choices[0].message.content == TEXT


def test_a_client_that_leaves_during_a_wait_ends_the_request(world, alone):
    world.play(alone, *OOPS)
    with pytest.raises(httpx.TimeoutException):
        httpx.post(f"{world.url}/v1/chat/completions", json={"model": alone, "messages": USER},
                   headers={"authorization": f"Bearer {KEY}"}, timeout=0.4)
    assert world.last_row(alone)["outcome"] == "cancelled"
    calls = world.calls(alone)
    time.sleep(1.2)
    assert world.calls(alone) == calls


def test_the_other_dialect_is_told_in_its_own_words(world):
    world.play("messages", document({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 529,
                                    [("retry-after", "9")]))
    with pytest.raises(anthropic.APIStatusError) as caught:
        world.anthropic().messages.create(model="messages", messages=USER, max_tokens=9)
    assert caught.value.status_code == 529 and caught.value.body["error"]["type"] == "overloaded_error"
    assert int(caught.value.response.headers["retry-after"]) >= 8
    world.play("messages", document(Messages.whole), NEXT)


# Circles.

@pytest.fixture(scope="module")
def circle(tmp_path_factory):
    world = Ring(tmp_path_factory.mktemp("circle"), {"self": "", "name": "", "again": "", "other": ""}, gateway="max_hops: 3, ", routes="""
  - { model: rescued, channels: [ { site: again, account: main, model: m }, { site: other, account: main, model: m, priority: 1 } ] }
""")
    world.play("other", *GOOD)
    yield world
    world.stop()


class Ring(Governed):
    """The sites `self`, `name` and `again` are the gateway itself."""

    def configure(self, text):
        text = super().configure(text)
        text = text.replace(self.upstream.url("self"), f"http://127.0.0.1:{self.port}")
        text = text.replace(self.upstream.url("again"), f"http://127.0.0.1:{self.port}")
        return text.replace(self.upstream.url("name"), f"http://localhost:{self.port}")


@pytest.mark.parametrize("model", ["self", "name"])
def test_a_site_that_is_the_gateway_itself_is_508(circle, model):
    for client in (circle.openai(), circle.anthropic()):
        with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
            if isinstance(client, openai.OpenAI):
                client.chat.completions.create(model=model, messages=USER)
            else:
                client.messages.create(model=model, messages=USER, max_tokens=9)
        assert caught.value.status_code == 508
        assert "the address that this gateway listens at" in str(caught.value.message)
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert wait_for(lambda: circle.last_row(model)["attempts"] == 1)
        break


def test_the_next_channel_rescues_a_request_from_a_circle(circle):
    assert ask(circle, "rescued").choices[0].message.content == TEXT
    assert circle.last_row("rescued")["attempts"] == 2


def test_hops_are_counted_and_bounded(circle):
    def post(hops, model="other"):
        return httpx.post(f"{circle.url}/v1/chat/completions", json={"model": model, "messages": USER},
                          headers={"authorization": f"Bearer {KEY}", **({"x-patchbay-hops": hops} if hops else {})})
    assert post(None).status_code == 200
    assert b"x-patchbay-hops: 1\r\n" in circle.upstream.calls("other")[-1].head
    assert post("2").status_code == 200
    assert b"x-patchbay-hops: 3\r\n" in circle.upstream.calls("other")[-1].head
    calls = circle.calls("other")
    for hops in ("3", "4", "99999999999999999999"):
        answer = post(hops)
        assert answer.status_code == 508 and answer.json()["error"]["code"] == "loop_detected"
        assert "gateways already" in answer.json()["error"]["message"]
    assert circle.calls("other") == calls


def test_a_circle_of_two_gateways_ends(tmp_path):
    first = Governed(tmp_path / "first", {"second": ""})
    second = None
    try:
        class Back(Governed):
            def site(self, name, options):
                return super().site(name, options).replace(self.upstream.url(name), first.url)
        second = Back(tmp_path / "second", {"second": ""})
        made = first.admin.post("/sites", json={"name": "loop", "platform": "openai", "base_url": second.url})
        assert made.status_code == 201, made.text
        first.admin.post("/accounts", json={"site": "loop", "name": "main", "models": ["second"],
                                            "credential": {"kind": "api_key", "api_key": KEY}})
        first.admin.post("/routes", json={"model": "ring", "channels": [
            {"site": "loop", "account": "main", "model": "second"}]})
        second.admin.post("/routes", json={"model": "unused", "channels": [{"site": "second", "account": "main"}]})
        first.admin.post("/routes", json={"model": "second", "channels": [{"site": "loop", "account": "main"}]})
        answer = httpx.post(f"{first.url}/v1/chat/completions", json={"model": "ring", "messages": USER},
                            headers={"authorization": f"Bearer {KEY}"}, timeout=20)
        assert answer.status_code == 508, answer.text
        assert "gateways already" in answer.json()["error"]["message"]
        assert answer.headers["x-should-retry"] == "false"
        assert wait_for(lambda: len(second.request_rows()) == 2 and len(first.request_rows()) == 2)
    finally:
        first.stop()
        if second:
            second.stop()
