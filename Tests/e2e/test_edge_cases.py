"""What the catalogue of edge cases (docs/edge-cases.md) asks of the whole way from an upstream to a client."""

import gzip
import json

import httpx
import openai
import pytest
from fakes.frames import END, STREAM_HEAD, TEXT, Chat, Messages, Responses, chunk, document, stream
from gateway import KEY, Running, openai_site
from raw_client import RawClient
from scripted_world import World

USER = [{"role": "user", "content": "hello"}]
FORMATS = {"chat": Chat, "messages": Messages, "responses": Responses}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("edges"), sites=20)
    yield world
    world.stop()


def post(world, path, body, **headers):
    return httpx.post(f"{world.running.url}{path}", json=body, timeout=30,
                      headers={"authorization": f"Bearer {KEY}", **headers})


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("tail", [b"", b"\n"], ids=["no line end", "no blank line"])
def test_the_last_event_needs_no_blank_line(world, format_name, tail):
    """E-8"""
    kind, name = FORMATS[format_name], world.fresh(format_name)
    frames = kind.begin + kind.content + kind.end
    world.upstream.play(name, stream([*frames[:-1], frames[-1].rstrip(b"\n") + tail]))
    parts = list(world.running.openai().chat.completions.create(model=f"model-{name}", messages=USER, stream=True))
    assert "".join(part.choices[0].delta.content or "" for part in parts if part.choices) == TEXT
    assert parts[-1].choices[0].finish_reason == "stop"
    assert world.last_row(f"model-{name}")["outcome"] == "completed"


@pytest.mark.parametrize("is_stream", [False, True])
def test_no_compressed_answer_is_asked_for_and_none_is_taken_for_an_answer(world, is_stream):
    """E-11"""
    name = world.fresh("chat")
    whole = gzip.compress(b"".join(Chat.begin + Chat.content + Chat.end) if is_stream else json.dumps(Chat.whole).encode())
    kind = "text/event-stream" if is_stream else "application/json"
    world.upstream.play(name, document(whole, headers=[("content-encoding", "gzip")], kind=kind))
    world.upstream.play("spare", *([stream(Chat.begin + Chat.content + Chat.end)] if is_stream else [document(Chat.whole)]))
    body = {"model": f"spared-{name}", "messages": USER, "stream": is_stream}
    answer = post(world, "/v1/chat/completions", body, **{"accept-encoding": "gzip, br"})
    assert answer.status_code == 200 and "content-encoding" not in answer.headers
    assert "three" in answer.text
    assert world.last_row(f"spared-{name}")["site"] == "spare"
    assert b"accept-encoding: identity" in world.upstream.call(name).head.lower()


@pytest.mark.parametrize("is_stream", [False, True])
def test_an_event_of_twenty_megabytes(world, is_stream):
    """E-12"""
    name = world.fresh("chat")
    image = "A" * (20 << 20)
    parts = [Chat.frame({"content": image})]
    world.upstream.play(name, stream(Chat.begin + parts + Chat.end))
    client = world.running.openai()
    if is_stream:
        chunks = client.chat.completions.create(model=f"model-{name}", messages=USER, stream=True)
        text = "".join(part.choices[0].delta.content or "" for part in chunks if part.choices)
    else:
        text = client.chat.completions.create(model=f"model-{name}", messages=USER).choices[0].message.content
    assert text == image
    assert world.last_row(f"model-{name}")["outcome"] == "completed"


def test_an_event_without_end_is_no_endless_memory(world):
    """E-12"""
    name = world.fresh("chat")
    filler = chunk(b"a" * (1 << 20))
    world.upstream.play(name, STREAM_HEAD + chunk(Chat.begin[0] + Chat.content[0]), chunk(b"data: "), *[filler] * 80, END)
    with pytest.raises(openai.APIError):
        list(world.running.openai().chat.completions.create(model=f"model-{name}", messages=USER, stream=True))
    assert world.last_row(f"model-{name}")["outcome"] == "truncated"


def test_several_beta_headers_reach_the_upstream_together(world):
    """E-66"""
    name = world.fresh("messages")
    world.upstream.play(name, document(Messages.whole))
    body = json.dumps({"model": f"model-{name}", "max_tokens": 9, "messages": USER}).encode()
    client = RawClient(world.running.port)
    client.send(b"POST /v1/messages?beta=true HTTP/1.1\r\nhost: x\r\nx-api-key: " + KEY.encode() +
                b"\r\nanthropic-version: 2023-06-01\r\nAnthropic-Beta: a-1\r\nanthropic-beta: b-2,c-3\r\n"
                b"content-length: %d\r\n\r\n" % len(body) + body)
    assert client.answer().status == 200
    head = world.upstream.call(name).head.decode().lower()
    values = [line.split(":", 1)[1] for line in head.split("\r\n") if line.startswith("anthropic-beta:")]
    assert [beta.strip() for value in values for beta in value.split(",")] == ["a-1", "b-2", "c-3"]
    assert "?beta=true" in head.split("\r\n")[0]


def test_thinking_that_the_upstream_refuses_is_left_out_once(world):
    """E-59"""
    name = world.fresh("messages")
    refusal = {"type": "error", "error": {
        "type": "invalid_request_error", "message": "messages.1.content.0: Invalid `signature` in `thinking` block"}}
    world.upstream.play_in_turn(name, [document(refusal, 400)], [document(Messages.whole)])
    body = {"model": f"model-{name}", "max_tokens": 9, "messages": [*USER, {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "edited", "signature": "Zm9yZWlnbg=="}, {"type": "text", "text": "a"}]}, *USER]}
    assert post(world, "/v1/messages", body).json()["content"][0]["text"] == TEXT
    first, second = [json.loads(call.body) for call in world.upstream.calls(name)]
    assert first["messages"][1]["content"][0]["signature"] == "Zm9yZWlnbg=="
    assert "thinking" not in json.dumps(second["messages"]) and "Zm9yZWlnbg==" not in json.dumps(second)
    # Never twice.
    name = world.fresh("messages")
    world.upstream.play(name, document(refusal, 400))
    answer = post(world, "/v1/messages", {**body, "model": f"model-{name}"})
    assert answer.status_code == 400 and len(world.upstream.calls(name)) == 2


@pytest.mark.parametrize("is_behind", [False, True])
def test_statuses_that_networks_in_front_keep_for_themselves(tmp_path, is_behind):
    """E-105"""
    options = "behind_cdn: true, " if is_behind else ""
    world = World(tmp_path, sites=2, options=options + "timeouts: { first_byte: 300ms, total: 2s }, ")
    try:
        world.upstream.play("chat-0", document({"error": {"message": "boom"}}, 500))
        world.upstream.play("chat-1", 3, document(Chat.whole))
        for name, status in (("chat-0", 502), ("chat-1", 504)):
            answer = post(world, "/v1/chat/completions", {"model": f"model-{name}", "messages": USER})
            assert answer.status_code == (503 if is_behind else status)
            assert answer.json()["error"]["message"]
            assert world.last_row(f"model-{name}")["status"] == status
    finally:
        world.stop()


def test_members_that_an_upstream_refuses_are_left_out(tmp_path, openai_upstream):
    """E-45, E-75"""
    site = openai_site(openai_upstream.url).replace("    accounts:", (
        "    conversion: { drop: [metadata, max_completion_tokens],"
        " models: [ { model: gpt-4o-2024*, drop: [user] } ] }\n    accounts:"))
    running = Running(tmp_path, site)
    try:
        body = {"model": "gpt-4o-mini", "messages": USER, "metadata": {"a": "b"}, "user": "u", "seed": 7}
        answer = httpx.post(f"{running.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})
        assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"]
        assert answer.headers["x-patchbay-warnings"] == "dropped.metadata;degrade"
        sent = openai_upstream.records.last()[1]
        assert "metadata" not in sent and (sent["user"], sent["seed"]) == ("u", 7)
        running.openai().chat.completions.create(**{**body, "model": "gpt-4o"})
        assert "user" not in openai_upstream.records.last()[1] and "metadata" not in openai_upstream.records.last()[1]
        # Also of what is written anew; who has nothing to lose hears nothing.
        plain = running.anthropic().messages.with_raw_response.create(model="gpt-4o-mini", max_tokens=50, messages=USER)
        assert "dropped.max_completion_tokens;degrade" in plain.headers["x-patchbay-warnings"]
        assert "max_completion_tokens" not in openai_upstream.records.last()[1]
        plain = running.openai().chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=USER)
        assert "x-patchbay-warnings" not in plain.headers
        refused = httpx.post(f"{running.url}/v1/chat/completions", json=body, headers={
            "authorization": f"Bearer {KEY}", "x-patchbay-strict": "degrade"})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "metadata")
        with running.openai().chat.completions.create(
                model="gpt-4o-mini", messages=USER, metadata={"a": "b"}, stream=True) as parts:
            assert "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    finally:
        running.stop()
