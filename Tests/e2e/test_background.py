"""Responses that are made in the background: asked for later, cancelled, and failed when the gateway ends."""

import time

import httpx
import openai
import pytest
from dialects import MODELS
from fakes.frames import TEXT, Chat, Messages, Responses, document
from fakes.scripted import HOLD, Until
from gateway import KEY
from raw_client import wait_for
from scripted_world import World

OTHER = "sk-client-2-abcdefgh"
KEYS = f'- {{ name: dev, key: {KEY}, models: ["*"] }}\n  - {{ name: other, key: {OTHER}, models: ["*"] }}'
WHOLE = {"chat": Chat, "messages": Messages, "responses": Responses}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("background"), 30, keys=KEYS)
    yield world
    world.stop()


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def finished(client, response, seconds=10):
    """The response when nobody works on it any more."""
    deadline = time.monotonic() + seconds
    while response.status in ("queued", "in_progress"):
        assert time.monotonic() < deadline, response
        time.sleep(0.02)
        response = client.responses.retrieve(response.id)
    return response


def test_the_answer_is_asked_for_later(gateway, model):
    client = gateway.openai()
    queued = client.responses.create(
        model=model, input="say one", background=True, instructions="Be brief.", metadata={"a": "b"})
    assert (queued.status, queued.background, queued.output, queued.error) == ("queued", True, [], None)
    assert (queued.model, queued.instructions, queued.metadata) == (model, "Be brief.", {"a": "b"})
    done = finished(client, queued)
    assert (done.id, done.status, done.background, done.output_text) == (queued.id, "completed", True, "one")
    assert done.usage.total_tokens > 0
    # It is a response like any other.
    again = client.responses.create(model=model, input="say two", previous_response_id=done.id)
    items = list(client.responses.input_items.list(again.id, order="asc"))
    assert [item.content[0].text for item in items] == ["say one", "one", "say two"]
    following = finished(client, client.responses.create(
        model=model, input="say three", previous_response_id=done.id, background=True))
    assert (following.output_text, following.previous_response_id) == ("three", done.id)
    with client.responses.stream(response_id=done.id) as events:
        assert events.get_final_response().output_text == "one"
    assert client.responses.cancel(done.id).status == "completed"
    client.responses.delete(done.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(done.id)


@pytest.mark.parametrize("format_name", WHOLE)
def test_it_is_in_progress_until_the_upstream_has_answered(world, format_name):
    client, name, gate = world.running.openai(), world.fresh(format_name), Until()
    world.upstream.play(name, gate, document(WHOLE[format_name].whole))
    queued = client.responses.create(model=f"model-{name}", input="hello", background=True)
    world.upstream.call(name)
    found = client.responses.retrieve(queued.id)
    assert (found.status, found.output) == ("in_progress", [])
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=f"model-{name}", input="and", previous_response_id=queued.id)
    answer = httpx.get(f"{world.running.url}/v1/responses/{queued.id}?stream=true",
                       headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "stream"
    gate.open()
    assert finished(client, found).output_text == TEXT
    row = world.last_row(f"model-{name}")
    assert (row["outcome"], row["key"], row["output_tokens"]) == ("completed", "dev", 3)


def test_cancelling_lets_the_upstream_go(world):
    client, name = world.running.openai(), world.fresh("chat")
    world.upstream.play(name, HOLD)
    queued = client.responses.create(model=f"model-{name}", input="hello", background=True)
    call = world.upstream.call(name)
    other = world.running.openai(OTHER)
    for request in (other.responses.cancel, other.responses.retrieve, other.responses.delete):
        with pytest.raises(openai.NotFoundError):
            request(queued.id)
    assert not call.closed.is_set()
    assert client.responses.cancel(queued.id).status == "cancelled"
    assert call.closed.wait(5)
    assert client.responses.retrieve(queued.id).status == "cancelled"
    assert client.responses.cancel(queued.id).status == "cancelled"
    assert world.last_row(f"model-{name}")["outcome"] == "cancelled"


def test_deleting_does_so_too(world):
    client, name = world.running.openai(), world.fresh("chat")
    world.upstream.play(name, HOLD)
    queued = client.responses.create(model=f"model-{name}", input="hello", background=True)
    call = world.upstream.call(name)
    client.responses.delete(queued.id)
    assert call.closed.wait(5)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(queued.id)


def test_what_fails_says_why(world):
    client, name = world.running.openai(), world.fresh("chat")
    world.upstream.play(name, document({"error": {"message": "no such voice", "type": "invalid_request_error"}}, 400))
    failed = finished(client, client.responses.create(model=f"model-{name}", input="hello", background=True))
    assert (failed.status, failed.output) == ("failed", [])
    assert failed.error.code == "server_error" or failed.error.code
    assert "no such voice" in failed.error.message


@pytest.mark.parametrize("arguments, status, parameter", [
    ({"model": "nothing"}, 404, "model"), ({"store": False}, 400, "store"),
    ({"previous_response_id": 7}, 400, "previous_response_id")])
def test_what_cannot_begin_is_refused_at_once(world, arguments, status, parameter):
    body = {"model": "model-chat-0", "input": "hello", "background": True, **arguments}
    answer = httpx.post(f"{world.running.url}/v1/responses", json=body, headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == parameter


def test_many_at_once(world):
    client, name = world.running.openai(), world.fresh("chat")
    world.upstream.play(name, 0.05, document(Chat.whole))
    queued = [client.responses.create(model=f"model-{name}", input="hello", background=True) for _ in range(40)]
    assert len({response.id for response in queued}) == 40
    assert {finished(client, response).output_text for response in queued} == {TEXT}
    assert wait_for(lambda: len(world.running.request_rows(model=f"model-{name}")) == 40)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_what_the_end_of_the_gateway_interrupts_has_failed(tmp_path, end):
    world = World(tmp_path, 1, options="drain: { deadline: 200ms }, ")
    try:
        running = world.running
        world.upstream.play("chat-0", HOLD)
        queued = running.openai().responses.create(model="model-chat-0", input="hello", background=True)
        world.upstream.call("chat-0")
        getattr(running.gateway, end)()
        running.gateway.start().wait_ready(running.port)
        failed = running.openai().responses.retrieve(queued.id)
        assert failed.status == "failed" and failed.error.message
    finally:
        world.stop()


def test_what_is_too_large_to_be_kept_is_not_begun(tmp_path):
    world = World(tmp_path, 1, options="responses: { entry: 64KiB }, ")
    try:
        world.upstream.play("chat-0", HOLD)
        with pytest.raises(openai.APIStatusError) as caught:
            world.running.openai().responses.create(model="model-chat-0", input="x" * 70_000, background=True)
        assert caught.value.status_code == 413
        assert wait_for(lambda: all(call.closed.is_set() for call in world.upstream.calls("chat-0")))
    finally:
        world.stop()
