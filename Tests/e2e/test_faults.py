"""Upstreams that misbehave: no client may take a broken answer for a complete one, and the ledger knows what happened."""

import time

import httpx
import openai
import pytest
from dialects import CLIENTS, ChatClient
from fakes.frames import END, STREAM_HEAD, TEXT, Chat, Gemini, Messages, Responses, chunk, document, stream
from fakes.scripted import HOLD, RESET
from gateway import KEY
from scripted_world import ALL_PLATFORMS, World

FORMATS = {"chat": Chat, "messages": Messages, "responses": Responses, "gemini": Gemini}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("faults"), 300, platforms=ALL_PLATFORMS)
    yield world
    world.stop()


@pytest.fixture(params=CLIENTS)
def client(request, world):
    return CLIENTS[request.param](world.running)


@pytest.fixture(params=FORMATS)
def format_name(request):
    return request.param


def broken_frame(kind):
    return kind.content[1].replace(b'"two "', b'"two ')


AFTER_CONTENT = {
    "cut at a frame boundary, transport ended in peace": lambda kind: [END],
    "cut at a frame boundary, connection closed": lambda kind: [],
    "cut at a frame boundary, connection reset": lambda kind: [0.05, RESET],
    "cut in a frame, transport ended in peace": lambda kind: [chunk(kind.content[1][:-20]), END],
    "cut in a frame, connection closed": lambda kind: [chunk(kind.content[1][:-20])],
    "cut in a chunk": lambda kind: [b"200\r\n" + kind.content[1]],
    "garbage chunk size": lambda kind: [b"zz\r\n", kind.content[1]],
    "negative chunk size": lambda kind: [b"-5\r\n", kind.content[1]],
    "error event": lambda kind: [chunk(kind.error), END],
    "error event, then silence": lambda kind: [chunk(kind.error), HOLD],
    "error event, then more content": lambda kind: [chunk(kind.error + kind.content[1]), END],
    "frame that is no JSON": lambda kind: [chunk(broken_frame(kind)), chunk(kind.content[2]), END],
}


# E-40, E-43
@pytest.mark.sdk
@pytest.mark.parametrize("fault", AFTER_CONTENT)
def test_a_stream_that_breaks_raises_and_is_booked_as_truncated(world, client, format_name, fault):
    kind, name = FORMATS[format_name], world.fresh(format_name)
    opening = STREAM_HEAD + b"".join(chunk(frame) for frame in kind.begin + kind.content[:1])
    world.upstream.play(name, opening, 0.02, *AFTER_CONTENT[fault](kind))
    texts = []
    # What is no JSON passes through in the same format; an SDK that cannot read it says so in its own way.
    errors = (*client.failures, ValueError) if "no JSON" in fault else client.failures
    with pytest.raises(errors):
        for text in client.pieces(f"model-{name}"):
            texts.append(text)
    assert texts[:1] == ["one "] and "three" not in texts
    row = world.last_row(f"model-{name}")
    # A client that cannot read a frame may hang up before the gateway sees what follows it.
    assert row["outcome"] in (("truncated", "cancelled") if "no JSON" in fault else ("truncated",))
    assert row["attempts"] == 1
    assert len(world.upstream.calls(name)) == 1


BEFORE_CONTENT = {
    "error event": lambda kind: [STREAM_HEAD + chunk(kind.error) + END],
    "error event after the beginning": lambda kind: [stream([*kind.begin[:1], kind.error])],
    "error document with status 200": lambda kind: [document(kind.error_document)],
    "error document with status 200 as an event stream":
        lambda kind: [document(kind.error_document, kind="text/event-stream")],
    "page in HTML": lambda kind: [document(b"<!doctype html><title>Sign in</title>", kind="text/html")],
    "closed before the head": lambda kind: [],
    "reset before the head": lambda kind: [RESET],
    "malformed head": lambda kind: [b"HTTP/1.1 twohundred OK\r\n\r\n"],
    "no HTTP at all": lambda kind: [b"SSH-2.0-OpenSSH_9.2\r\n"],
    "head cut": lambda kind: [b"HTTP/1.1 200 OK\r\ncontent-ty"],
    "huge head": lambda kind: [b"HTTP/1.1 200 OK\r\nx-filler: " + b"a" * 80_000 + b"\r\n\r\n"],
    "two lengths": lambda kind: [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"],
    "garbage chunk size": lambda kind: [STREAM_HEAD + b"hello\r\n"],
    "empty stream": lambda kind: [STREAM_HEAD + END],
    "only comments": lambda kind: [STREAM_HEAD + chunk(b": ping\n\n") * 3 + END],
    "empty body": lambda kind: [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
    "status 500": lambda kind: [document(kind.error_document, 500)],
    "status 500 in HTML": lambda kind: [document(b"<h1>Oops</h1>", 500, kind="text/html")],
}


# E-9, E-43, E-114
@pytest.mark.parametrize("fault", BEFORE_CONTENT)
def test_a_stream_that_never_begins_is_an_error_with_a_status(world, client, format_name, fault):
    kind, name = FORMATS[format_name], world.fresh(format_name)
    world.upstream.play(name, *BEFORE_CONTENT[fault](kind))
    with pytest.raises(client.refusal) as caught:
        list(client.pieces(f"model-{name}"))
    assert client.status(caught.value) in (502, 503)
    row = world.last_row(f"model-{name}")
    assert row["outcome"] == "failed" and row["status"] == client.status(caught.value)


# E-9, E-40, E-43
@pytest.mark.parametrize("fault", BEFORE_CONTENT)
def test_a_stream_that_never_begins_is_tried_elsewhere(world, fault):
    client, kind, name = ChatClient(world.running), Chat, world.fresh("chat")
    world.upstream.play(name, *BEFORE_CONTENT[fault](kind))
    world.upstream.play("spare", stream(Chat.begin + Chat.content + Chat.end))
    assert "".join(client.pieces(f"spared-{name}")) == TEXT
    row = world.last_row(f"spared-{name}")
    assert (row["outcome"], row["site"], row["attempts"]) == ("completed", "spare", 2)


BAD_DOCUMENTS = {
    "error document with status 200": lambda kind: [document(kind.error_document)],
    "page in HTML": lambda kind: [document(b"<!doctype html><title>Sign in</title>", kind="text/html")],
    "text": lambda kind: [document(b"ok", kind="text/plain")],
    "cut": lambda kind: [document(kind.whole)[:-30]],
    "cut JSON with a fitting length": lambda kind: [document(document(kind.whole).partition(b"\r\n\r\n")[2][:-30])],
    "empty": lambda kind: [document(b"")],
    "reset before the head": lambda kind: [RESET],
}


@pytest.mark.parametrize("fault", BAD_DOCUMENTS)
def test_a_document_that_is_no_answer_raises(world, client, format_name, fault):
    kind, name = FORMATS[format_name], world.fresh(format_name)
    world.upstream.play(name, *BAD_DOCUMENTS[fault](kind))
    with pytest.raises(client.refusal) as caught:
        client.whole(f"model-{name}")
    assert client.status(caught.value) in (502, 503)
    assert world.last_row(f"model-{name}")["outcome"] == "failed"


def dribble(data, pause_every=40):
    steps = []
    for position in range(len(data)):
        steps.append(data[position:position + 1])
        if position % pause_every == 0:
            steps.append(0.001)
    return steps


GOOD_STREAMS = {
    "as it should be": lambda kind: [stream(kind.begin + kind.content + kind.end)],
    "connection stays open": lambda kind: [stream(kind.begin + kind.content + kind.end, end=b""), HOLD],
    "reset after the end": lambda kind: [stream(kind.begin + kind.content + kind.end, end=b""), 0.05, RESET],
    "byte by byte": lambda kind: dribble(stream(kind.begin + kind.content + kind.end)),
    "no last terminator": lambda kind: [stream(kind.begin + kind.content + kind.end[:2])],
    "ended by the connection": lambda kind: [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"".join(kind.begin + kind.content + kind.end)],
    "no content type": lambda kind: [
        b"HTTP/1.1 200 OK\r\n\r\n" + b"".join(kind.begin + kind.content + kind.end)],
    "announced as JSON": lambda kind: [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b"".join(kind.begin + kind.content + kind.end)],
    "CRLF": lambda kind: [stream([frame.replace(b"\n", b"\r\n") for frame in kind.begin + kind.content + kind.end])],
    "comments between": lambda kind: [stream(
        [b": ping\n\n", *kind.begin, b": ping\n\n", *kind.content, b": ping\n\n", *kind.end])],
    "junk behind the end": lambda kind: [stream(kind.begin + kind.content + [kind.end[0] + kind.end[1] + kind.end[2]
                                                                           + kind.content[0]])],
    "informational heads": lambda kind: [
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", stream(kind.begin + kind.content + kind.end)],
}


NOT_OF_GEMINI = ("junk behind the end",)


# E-1, E-2, E-5, E-10, E-41
@pytest.mark.parametrize("variant", GOOD_STREAMS)
def test_a_peculiar_stream_is_complete(world, client, format_name, variant):
    if format_name == "gemini" and variant in NOT_OF_GEMINI:
        pytest.skip("a Gemini answer has no last word: it ends with its body")
    kind, name = FORMATS[format_name], world.fresh(format_name)
    if variant == "no last terminator" and format_name == "responses":
        pytest.skip("the format has no terminator besides the event that says the answer is complete")
    world.upstream.play(name, *GOOD_STREAMS[variant](kind))
    assert "".join(client.pieces(f"model-{name}")) == TEXT
    row = world.last_row(f"model-{name}")
    assert row["outcome"] == "completed"
    if variant != "no last terminator":
        assert (row["input_tokens"], row["output_tokens"]) == (7, 3)


def test_content_reaches_the_client_at_once(world, client, format_name):
    kind, name = FORMATS[format_name], world.fresh(format_name)
    world.upstream.play(
        name, stream(kind.begin + kind.content[:1], end=b""), 1.5, stream(kind.content[1:] + kind.end)[len(STREAM_HEAD):])
    start = time.monotonic()
    texts = client.pieces(f"model-{name}")
    assert next(texts) == "one "
    assert time.monotonic() - start < 1.2
    assert "".join(texts) == "two three"


# E-42
def test_the_end_of_the_protocol_ends_the_answer(world, client, format_name):
    """An upstream that keeps the connection open after its last word delays nobody."""
    kind, name = FORMATS[format_name], world.fresh(format_name)
    world.upstream.play(name, stream(kind.begin + kind.content + kind.end, end=b""), HOLD)
    pieces = client.pieces(f"model-{name}")
    first = next(pieces)
    # The first use of a client takes its time; the end is what is measured.
    start = time.monotonic()
    assert first + "".join(pieces) == TEXT
    # A Gemini answer has no last word: what may still come are counters, which are waited for.
    assert time.monotonic() - start < (2.5 if format_name == "gemini" else 0.4)


# E-42
def test_counters_behind_the_reason_to_finish_are_waited_for(world, client):
    name = world.fresh("gemini")
    frames = [frame.replace(b"usageMetadata", b"other") for frame in Gemini.content + Gemini.end[:1]]
    usage = b'data: {"usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 5, "totalTokenCount": 16}}\r\n\r\n'
    world.upstream.play(name, stream(frames, end=b""), 0.4, chunk(usage), HOLD)
    assert "".join(client.pieces(f"model-{name}")) == TEXT
    row = world.last_row(f"model-{name}")
    assert (row["outcome"], row["input_tokens"], row["output_tokens"]) == ("completed", 11, 5)
    assert world.upstream.call(name).closed.wait(3)


def test_a_rate_limit_is_tried_elsewhere_and_rests(world):
    name = world.fresh("chat")
    limited = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}
    world.upstream.play(name, document(limited, 429, [("retry-after", "30")]))
    world.upstream.play("spare", document(Chat.whole))
    client = ChatClient(world.running)
    assert client.whole(f"spared-{name}") == TEXT
    assert client.whole(f"spared-{name}") == TEXT
    assert len(world.upstream.calls(name)) in (1, 2)  # Each event loop learns for itself.
    with pytest.raises(openai.APIStatusError) as caught:
        for _ in range(8):
            client.whole(f"model-{name}")
    assert caught.value.status_code in (429, 503)
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 30


# E-10
def test_an_answer_is_json_whatever_the_upstream_calls_it(world, client, format_name):
    kind, name = FORMATS[format_name], world.fresh(format_name)
    world.upstream.play(name, document(kind.whole, kind="text/plain"))
    assert client.whole(f"model-{name}") == TEXT


@pytest.mark.parametrize("options", ["null", '{"include_usage":false}', "{}"])
def test_stream_options_without_usage(world, options):
    name = world.fresh("chat")
    world.upstream.play(name, stream(Chat.begin + Chat.content + Chat.end))
    body = f'{{"model":"model-{name}","messages":[],"stream":true,"stream_options":{options}}}'
    answer = httpx.post(f"{world.running.url}/v1/chat/completions", content=body,
                        headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 200 and answer.text.rstrip().endswith("[DONE]")
    assert '"usage"' not in answer.text
    assert b'"include_usage":true' in world.upstream.call(name).body
