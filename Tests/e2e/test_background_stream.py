"""Responses in the background whose events are read as they come, left, and gone on with behind any of them."""

import time

import openai
import pytest
from dialects import MODELS
from fakes.frames import TEXT, WORDS, Chat, Messages, Responses, document
from fakes.scripted import HOLD, Until
from gateway import KEY
from raw_client import wait_for
from scripted_world import World

OTHER = "sk-client-2-abcdefgh"
KEYS = f'- {{ name: dev, key: {KEY}, models: ["*"] }}\n  - {{ name: other, key: {OTHER}, models: ["*"] }}'
STREAMS = {"chat": Chat, "messages": Messages, "responses": Responses}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("background"), 12, keys=KEYS)
    yield world
    world.stop()


@pytest.fixture(params=STREAMS)
def format_name(request):
    return request.param


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def text(events):
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def settled(client, identifier):
    deadline = time.monotonic() + 10
    while (response := client.responses.retrieve(identifier)).status in ("queued", "in_progress"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return response


def test_events_come_as_they_are_made_and_stay(gateway, model):
    client = gateway.openai()
    events = list(client.responses.create(model=model, input="think hard then say one two three", background=True, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    named = [event.response for event in events if hasattr(event, "response")]
    assert len({response.id for response in named}) == 1 and all(response.background for response in named)
    assert (events[0].type, events[-1].type, text(events)) == (
        "response.created", "response.completed", "one two three")
    kept = client.responses.retrieve(named[0].id)
    assert (kept.id, kept.status, kept.output_text) == (named[0].id, "completed", "one two three")
    for after in (-1, 0, len(events) // 2, len(events) - 1):
        rest = list(client.responses.retrieve(kept.id, stream=True, starting_after=after))
        assert rest == events[after + 1:]
    assert list(client.responses.retrieve(kept.id, stream=True)) == events
    following = client.responses.create(model=model, input="say on", previous_response_id=kept.id)
    assert following.output_text == "on"


def test_the_helper_of_the_sdk_reads_them(gateway, model):
    with gateway.openai().responses.stream(model=model, input="say seven", background=True) as events:
        assert events.get_final_response().output_text == "seven"


def test_who_leaves_ends_nothing_and_goes_on(world, format_name):
    client, name, gate, last = world.running.openai(), world.fresh(format_name), Until(), Until()
    steps = STREAMS[format_name]
    world.upstream.play(name, HEAD, b"".join(steps.begin), steps.content[0], gate, *steps.content[1:], last, *steps.end)
    with client.responses.create(model=f"model-{name}", input="hello", background=True, stream=True) as stream:
        first = []
        for event in stream:
            first.append(event)
            if event.type == "response.output_text.delta":
                break
    identifier = first[0].response.id
    call = world.upstream.call(name)
    assert client.responses.retrieve(identifier).status == "in_progress"
    with client.responses.retrieve(identifier, stream=True, starting_after=first[-1].sequence_number) as stream:
        gate.open()
        second = []
        for event in stream:
            second.append(event)
            if len([one for one in second if one.type == "response.output_text.delta"]) == len(WORDS) - 1:
                break
    assert not call.closed.is_set()
    # Two may read at once, and one of them from the beginning.
    with client.responses.retrieve(identifier, stream=True) as whole:
        last.open()
        third = list(client.responses.retrieve(identifier, stream=True, starting_after=second[-1].sequence_number))
        everything = list(whole)
    assert [event.sequence_number for event in first + second + third] == list(range(len(everything)))
    assert first + second + third == everything
    assert text(everything) == TEXT and everything[-1].type == "response.completed"
    assert settled(client, identifier).output_text == TEXT
    assert world.last_row(f"model-{name}")["outcome"] == "completed"


def test_to_another_key_it_does_not_exist(world):
    client, name, gate = world.running.openai(), world.fresh("chat"), Until()
    world.upstream.play(name, HEAD, b"".join(Chat.begin), Chat.content[0], gate, *Chat.content[1:], *Chat.end)
    with client.responses.create(model=f"model-{name}", input="hello", background=True, stream=True) as stream:
        identifier = next(iter(stream)).response.id
        for other in (lambda: world.running.openai(OTHER).responses.retrieve(identifier, stream=True),
                      lambda: world.running.openai(OTHER).responses.cancel(identifier)):
            with pytest.raises(openai.NotFoundError):
                other()
        gate.open()
        assert text(stream) == TEXT


def test_cancelling_ends_the_stream(world, format_name):
    client, name = world.running.openai(), world.fresh(format_name)
    steps = STREAMS[format_name]
    world.upstream.play(name, HEAD, b"".join(steps.begin), steps.content[0], HOLD)
    with client.responses.create(model=f"model-{name}", input="hello", background=True, stream=True) as stream:
        events = iter(stream)
        identifier = next(events).response.id
        call = world.upstream.call(name)
        assert client.responses.cancel(identifier).status == "cancelled"
        *_, final = events
    assert (final.type, final.to_dict()["response"]["status"]) == ("response.cancelled", "cancelled")
    assert call.closed.wait(5)
    assert list(client.responses.retrieve(identifier, stream=True))[-1].type == "response.cancelled"


def test_what_fails_says_why(world, format_name):
    client, name = world.running.openai(), world.fresh(format_name)
    steps = STREAMS[format_name]
    world.upstream.play(name, HEAD, b"".join(steps.begin), *steps.content, 0.2, steps.error, HOLD)
    events = list(client.responses.create(model=f"model-{name}", input="hello", background=True, stream=True))
    assert (events[-1].type, events[-1].response.status) == ("response.failed", "failed")
    assert text(events) == TEXT
    failed = settled(client, events[0].response.id)
    assert failed.status == "failed" and failed.error.message
    # What fails before it has begun is told in the same way.
    name = world.fresh(format_name)
    world.upstream.play(name, document({"error": {"message": "no such voice", "type": "invalid_request_error"}}, 400))
    events = list(client.responses.create(model=f"model-{name}", input="hello", background=True, stream=True))
    assert [event.type for event in events] == ["response.created", "response.failed"]
    assert "no such voice" in events[-1].response.error.message


def test_events_outlive_the_gateway(tmp_path):
    world = World(tmp_path, 1)
    try:
        world.upstream.play("chat-0", HEAD, *Chat.begin, *Chat.content, *Chat.end)
        client = world.running.openai()
        events = list(client.responses.create(model="model-chat-0", input="hello", background=True, stream=True))
        assert text(events) == TEXT
        identifier = events[0].response.id
        assert list(client.responses.retrieve(identifier, stream=True, starting_after=1)) == events[2:]
        world.running.gateway.kill()
        world.running.gateway.start().wait_ready(world.running.port)
        assert list(world.running.openai().responses.retrieve(identifier, stream=True, starting_after=1)) == events[2:]
    finally:
        world.stop()


def test_more_events_than_are_kept(tmp_path):
    world = World(tmp_path, 1, options="responses: { entry: 64KiB }, ")
    try:
        world.upstream.play("chat-0", HEAD, *Chat.begin, *Chat.content * 300, *Chat.end)
        client = world.running.openai()
        events = list(client.responses.create(model="model-chat-0", input="hello", background=True, stream=True))
        assert events[-1].type == "error" and "more than this gateway keeps" in events[-1].message
        assert settled(client, events[0].response.id).output_text == TEXT * 300
        rows = lambda: world.running.request_rows(model="model-chat-0")
        assert wait_for(lambda: rows() and rows()[0]["outcome"] == "completed")
    finally:
        world.stop()
