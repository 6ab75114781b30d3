"""Channels with several formats, and upstreams that can answer in one way only."""

import asyncio
import itertools
import json
import time

import anthropic
import httpx
import openai
import pytest
from fakes.frames import TEXT, Chat, Messages
from fakes.server import Server
from gateway import KEY, Running

USER = [{"role": "user", "content": "hello"}]
NOT_FOUND = {"error": {"message": "The model `gone` does not exist", "type": "invalid_request_error", "param": "model",
                       "code": "model_not_found"}}
REFUSALS = {
    "404 of a router": (404, b"404 page not found"),
    "404 of FastAPI": (404, {"detail": "Not Found"}),
    "404 in HTML": (404, b"<!doctype html><title>Not here</title>"),
    "404 of OpenAI": (404, {"error": {"message": "Invalid URL (POST /v1/messages)", "type": "invalid_request_error",
                                      "param": None, "code": None}}),
    "404 for this model": (404, {"error": {
        "message": "This model is only supported in v1/chat/completions and not in v1/messages.",
        "type": "invalid_request_error", "param": "model", "code": None}}),
    "405": (405, {"detail": "Method Not Allowed"}),
    "501": (501, b""),
    "500 not implemented": (500, {"error": {"message": "not implemented", "type": "new_api_error", "param": "",
                                            "code": "convert_request_failed"}}),
}
OTHER_REFUSALS = {
    "model not found": (404, NOT_FOUND, 404),
    "model not found in other words": (404, {"error": "model 'x' not found, try pulling it first"}, 404),
    "client error": (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: 0"}}, 400),
    "rate limit": (429, {"error": {"message": "slow down", "type": "rate_limit_error"}}, 429),
}


class Place:
    """A site of the upstream: per path a refusal, or the answer of that format. It may insist on one way of answering."""

    def __init__(self, number):
        self.model = f"model-{number}"
        self.refusals = {}
        self.streaming = "either"
        self.calls = []

    async def handle(self, path, body, answer):
        self.calls.append((path, body))
        kind = {"/v1/chat/completions": Chat, "/v1/messages": Messages}[path]
        if path in self.refusals:
            status, value = self.refusals[path]
            return await answer.document(status, value)
        if self.streaming == "always" and not body.get("stream"):
            return await answer.document(400, {"detail": "Stream must be set to true"})
        if self.streaming == "never" and body.get("stream"):
            return await answer.document(400, {"error": {"message": "Streaming is not supported for this model."}})
        if not body.get("stream"):
            return await answer.document(200, kind.whole)
        await answer.begin_stream()
        for frame in kind.begin + kind.content + kind.end:
            await answer.chunk(frame)
            await asyncio.sleep(0)
        await answer.end_stream()

    def paths(self):
        return [path for path, _ in self.calls]


def site(url, number, settings=""):
    return f"""  - name: site-{number}
    platform: openai
    base_url: {url}/{number}
    formats: [anthropic.messages, openai.chat]
    conversion: {{ {settings} }}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-multi-1 }}, models: [model-{number}] }} ]
"""


SITES = 60
SETTINGS = {"always": 'models: [ { model: "model-*", streaming: always } ]', "never": "streaming: never",
            "profile": "profile: { max_output: 1234 }"}


class World:
    """One gateway with a fresh site for every test; some have settings, and their numbers are names."""

    def __init__(self, directory):
        self.places = {}
        self.server = Server(self.handle)
        self.numbers = itertools.count()
        named = [f"{name}-{number}" for name in SETTINGS for number in range(4)]
        sites = "".join(site(self.server.url, number) for number in range(SITES))
        sites += "".join(site(self.server.url, name, SETTINGS[name.split("-")[0]]) for name in named)
        sites += site(self.server.url, "any").replace("[model-any]", "[]")
        self.named = iter(sorted(named))
        routes = 'routes: [ { model: "any-*", channels: [ { site: site-any, account: main } ] } ]'
        self.running = Running(directory, sites, extra=routes)

    async def handle(self, request, answer):
        _, number, path = request.path.split("/", 2)
        await self.places[number].handle("/" + path, request.json(), answer)

    def fresh(self, name=None):
        number = next(self.numbers) if name is None else next(item for item in self.named if item.startswith(name))
        self.places[str(number)] = Place(number)
        return self.places[str(number)]

    def ask(self, place, dialect, stream):
        """The text of the answer."""
        model = place.model
        if dialect == "anthropic":
            client = self.running.anthropic()
            if not stream:
                return client.messages.create(model=model, messages=USER, max_tokens=9).content[0].text
            with client.messages.stream(model=model, messages=USER, max_tokens=9) as events:
                return events.get_final_text()
        client = self.running.openai()
        if not stream:
            return client.chat.completions.create(model=model, messages=USER).choices[0].message.content
        with client.chat.completions.stream(model=model, messages=USER) as events:
            return events.get_final_completion().choices[0].message.content

    def explain(self, place):
        return self.running.admin.post("/explain", json={"model": place.model}).json()["candidates"][0]

    def rows(self, place, count):
        """The ledger's records of the requests for the place's model, once there are so many."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            rows = self.running.request_rows(model=place.model)
            if len(rows) >= count:
                return rows
            time.sleep(0.05)
        raise AssertionError(f"fewer than {count} rows for {place.model}")

    def stop(self):
        self.running.stop()
        self.server.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("fallback"))
    yield world
    world.stop()


@pytest.fixture
def place(world):
    return world.fresh()


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
@pytest.mark.parametrize("stream", [False, True], ids=["document", "stream"])
def test_the_clients_own_format_comes_first(world, place, dialect, stream):
    assert world.ask(place, dialect, stream) == TEXT
    assert place.paths() == [{"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}[dialect]]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_an_unsupported_endpoint_leads_to_the_next_and_is_remembered(world, place, refusal):
    place.refusals["/v1/messages"] = REFUSALS[refusal]
    assert world.ask(place, "anthropic", stream=True) == TEXT
    assert place.paths() == ["/v1/messages", "/v1/chat/completions"]
    for _ in range(6):  # Each event loop learns for itself.
        assert world.ask(place, "anthropic", stream=False) == TEXT
    paths = place.paths()
    assert paths.count("/v1/messages") <= 2 and paths.count("/v1/chat/completions") == 7
    resting = world.explain(place)["resting_formats"]
    assert [item["format"] for item in resting] == ["anthropic.messages"]
    assert 1_700_000 < resting[0]["ms"] <= 1_800_000
    assert world.explain(place)["taken"] is True
    row = world.rows(place, 7)[-1]
    assert (row["outcome"], row["attempts"], row["upstream_format"]) == ("completed", 2, "openai.chat")


@pytest.mark.parametrize("refusal", OTHER_REFUSALS)
def test_other_refusals_are_no_reason_to_change_the_endpoint(world, place, refusal):
    status, value, shown = OTHER_REFUSALS[refusal]
    place.refusals["/v1/messages"] = (status, value)
    with pytest.raises(anthropic.APIStatusError) as caught:
        world.ask(place, "anthropic", stream=False)
    assert caught.value.status_code == shown
    # Some are tried again, but nothing is asked of another endpoint.
    assert set(place.paths()) == {"/v1/messages"}
    assert world.explain(place)["resting_formats"] == []


def test_a_site_that_has_neither_endpoint_fails(world, place):
    place.refusals = {path: (404, b"") for path in ("/v1/messages", "/v1/chat/completions")}
    with pytest.raises(openai.APIStatusError) as caught:
        world.ask(place, "openai", stream=False)
    assert caught.value.status_code in (502, 503)
    assert place.paths() == ["/v1/chat/completions", "/v1/messages"]
    # Nothing has shown that the site is up, so both are tried again soon.
    assert all(item["ms"] <= 60_000 for item in world.explain(place)["resting_formats"])


def test_what_is_learned_of_any_model_concerns_that_model(world):
    place = world.places.setdefault("any", Place("any"))
    place.refusals["/v1/messages"] = (404, b"")
    client = world.running.anthropic()
    for name in ("any-one", "any-two"):
        client.messages.create(model=name, messages=USER, max_tokens=9)
    assert place.paths().count("/v1/messages") == 2


# E-75
@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
@pytest.mark.parametrize("only", ["always", "never"])
def test_an_upstream_that_answers_in_one_way_is_learned(world, place, dialect, only):
    place.streaming = only
    for stream in (False, True):
        assert world.ask(place, dialect, stream) == TEXT
    asked = [bool(body.get("stream")) for _, body in place.calls]
    assert asked.count(only == "never") == 1
    assert world.explain(place)["learned_streaming"] == only
    for _ in range(4):
        for stream in (False, True):
            assert world.ask(place, dialect, stream) == TEXT
    refused = [body for _, body in place.calls if bool(body.get("stream")) == (only == "never")]
    assert len(refused) <= 2  # Each event loop learns for itself.


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
@pytest.mark.parametrize("only", ["always", "never"])
def test_an_upstream_that_answers_in_one_way_is_configured(world, dialect, only):
    place = world.fresh(only)
    place.streaming = only
    for stream in (False, True):
        assert world.ask(place, dialect, stream) == TEXT
    assert [bool(body.get("stream")) for _, body in place.calls] == [only == "always"] * 2
    assert all("stream_options" not in body for _, body in place.calls if not body.get("stream"))
    rows = world.rows(place, 2)
    assert sorted(row["stream"] for row in rows) == [False, True]
    assert all((row["input_tokens"], row["output_tokens"]) == (7, 3) for row in rows)


def test_a_capability_profile_reaches_the_conversion(world):
    place = world.fresh("profile")
    place.refusals["/v1/chat/completions"] = (404, b"")
    assert world.ask(place, "openai", stream=False) == TEXT
    assert place.calls[-1][1]["max_tokens"] == 1234


def test_conversion_settings_are_checked(world):
    created = world.running.admin.post("/sites", json={
        "name": "made", "platform": "openai", "base_url": "http://127.0.0.1:9", "conversion": {"streaming": "maybe"}})
    assert created.status_code == 400 and "streaming" in created.text
    created = world.running.admin.post("/sites", json={
        "name": "made", "platform": "openai", "base_url": "http://127.0.0.1:9",
        "conversion": {"streaming": "always", "models": [{"model": "a*", "profile": {"max_output": 5}}]}})
    assert created.status_code == 201, created.text
    shown = world.running.admin.get("/sites/made").json()
    assert shown["conversion"]["models"][0]["profile"] == {"max_output": 5}


def test_a_stream_from_an_upstream_without_streams_has_every_event(world, place):
    place.streaming = "never"
    answer = httpx.post(f"{world.running.url}/v1/messages", headers={"authorization": f"Bearer {KEY}"}, json={
        "model": place.model, "messages": USER, "max_tokens": 9, "stream": True})
    kinds = [json.loads(line[6:])["type"] for line in answer.text.split("\n") if line.startswith("data: ")]
    assert kinds == ["message_start", "content_block_start", "content_block_delta", "content_block_stop",
                     "message_delta", "message_stop"]
