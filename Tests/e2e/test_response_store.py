"""Responses that clients refer to later: kept by the gateway, for the key that made them, whatever the upstream is."""

import json
import time

import httpx
import openai
import pytest
from fakes.openai_api import OpenAIUpstream
from fakes.responses_api import ResponsesUpstream
from gateway import KEY, Running, anthropic_site, gemini_site, openai_site, responses_site

OTHER = "sk-client-2-abcdefgh"
MODELS = {
    "openai upstream": "gpt-4o-mini", "anthropic upstream": "claude-haiku-5", "responses upstream": "gpt-5-mini",
    "gemini upstream": "gemini-3-flash"}
KEYS = f'- {{ name: dev, key: {KEY}, models: ["*"] }}\n  - {{ name: other, key: {OTHER}, models: ["*"] }}'


@pytest.fixture(scope="module")
def world(tmp_path_factory, openai_upstream, anthropic_upstream, responses_upstream, gemini_upstream):
    sites = openai_site(openai_upstream.url) + anthropic_site(anthropic_upstream.url)
    sites += responses_site(responses_upstream.url) + gemini_site(gemini_upstream.url)
    running = Running(tmp_path_factory.mktemp("kept"), sites, keys=KEYS)
    yield running
    running.stop()


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def create(client, stream, **arguments):
    if not stream:
        return client.responses.create(**arguments)
    with client.responses.stream(**arguments) as events:
        return events.get_final_response()


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_goes_on_from_a_response(world, model, stream):
    client = world.openai()
    tools = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}},
              "strict": False}]
    first = create(client, stream, model=model, input="call weather {}", tools=tools)
    call = next(item for item in first.output if item.type == "function_call")
    second = create(client, stream, model=model, tools=tools, previous_response_id=first.id, input=[
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}])
    assert second.output_text == "the tool said sunny"
    assert second.previous_response_id == first.id
    third = create(client, stream, model=model, previous_response_id=second.id, input="say bye")
    assert third.output_text == "bye"


def test_the_upstream_that_keeps_the_conversation_is_asked_with_its_id(world, responses_upstream):
    client = world.openai()
    first = client.responses.create(model="gpt-5-mini", input="say one")
    client.responses.create(model="gpt-5-mini", input="say two", previous_response_id=first.id)
    body = responses_upstream.records.last()[1]
    assert body["previous_response_id"] == first.id and body["input"] == "say two"


def test_an_upstream_of_the_format_gets_and_gives_the_very_bytes(world, responses_upstream):
    first = world.openai().responses.create(model="gpt-5-mini", input="say one")
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    for text in (f'{{ "input" :"say \\u0074wo", "previous_response_id":"{first.id}",\n "temperature": 1.0e0,'
                 '"model": "gpt-5-mini","top_p":0.90 }',
                 '{"model":"gpt-5-mini", "store": false, "input" : [{"role":"user", "content":"say hi"}]}'):
        answer = httpx.post(world.url + "/v1/responses", content=text.encode(), headers=headers)
        assert answer.status_code == 200, answer.text
        assert responses_upstream.records.last()[0].body == text.encode()
        assert answer.content == responses_upstream.sent[-1]


def test_another_upstream_gets_the_whole_conversation(world, openai_upstream, responses_upstream):
    client = world.openai()
    first = client.responses.create(model="gpt-5-mini", input="say one", instructions="Be brief.")
    client.responses.create(model="gpt-4o-mini", input="say two", previous_response_id=first.id)
    messages = openai_upstream.records.last()[1]["messages"]
    assert [(entry["role"], entry["content"]) for entry in messages] == [
        ("user", "say one"), ("assistant", "one"), ("user", "say two")]
    # And back to an upstream that does not know what the other one answered.
    first = client.responses.create(model="gpt-4o-mini", input="say one")
    client.responses.create(model="gpt-5-mini", input="say two", previous_response_id=first.id)
    body = responses_upstream.records.last()[1]
    assert "previous_response_id" not in body
    assert [item["role"] for item in body["input"]] == ["user", "assistant", "user"]


def test_an_upstream_that_has_forgotten_gets_the_whole_conversation(tmp_path):
    upstream = ResponsesUpstream()
    running = Running(tmp_path, responses_site(upstream.url))
    try:
        first = running.openai().responses.create(model="gpt-5-mini", input="say one")
        upstream.stored.clear()
        second = running.openai().responses.create(model="gpt-5-mini", input="say two", previous_response_id=first.id)
        assert second.output_text == "two"
        bodies = [body for _, body in upstream.records.requests]
        assert bodies[1]["previous_response_id"] == first.id and "previous_response_id" not in bodies[2]
        assert [item["role"] for item in bodies[2]["input"]] == ["user", "assistant", "user"]
    finally:
        running.stop()
        upstream.stop()


# E-73
def test_e73_a_response_that_is_not_there_is_never_ignored(world, model):
    for key, identifier in ((KEY, "resp_nothing"), (OTHER, world.openai().responses.create(
            model=model, input="say hi").id)):
        with pytest.raises(openai.BadRequestError) as caught:
            world.openai(key).responses.create(model=model, input="say hi", previous_response_id=identifier)
        assert caught.value.code == "previous_response_not_found"
        assert caught.value.param == "previous_response_id" and identifier in caught.value.message


def test_what_is_not_to_be_stored_is_not(world, model):
    response = world.openai().responses.create(model=model, input="say hi", store=False)
    with pytest.raises(openai.NotFoundError):
        world.openai().responses.retrieve(response.id)


@pytest.mark.parametrize("stream", [False, True])
def test_retrieve_list_and_delete(world, model, stream):
    client, other = world.openai(), world.openai(OTHER)
    first = create(client, stream, model=model, input="say one")
    second = create(client, stream, model=model, previous_response_id=first.id, input=[
        {"role": "user", "content": [{"type": "input_text", "text": "say two"}]}])
    found = client.responses.retrieve(second.id)
    assert (found.id, found.output_text, found.status) == (second.id, "two", "completed")
    items = list(client.responses.input_items.list(second.id, order="asc"))
    assert [item.type for item in items] == ["message"] * 3 and len({item.id for item in items}) == 3
    assert [item.content[0].text for item in items] == ["say one", "one", "say two"]
    page = client.responses.input_items.list(second.id, limit=1)
    assert page.has_more and page.data[0].content[0].text == "say two"
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.cancel(second.id)
    assert "background" in caught.value.message
    for request in (lambda: other.responses.retrieve(second.id), lambda: other.responses.delete(second.id),
                    lambda: other.responses.cancel(second.id), lambda: other.responses.input_items.list(second.id)):
        with pytest.raises(openai.NotFoundError):
            request()
    client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(second.id)
    assert client.responses.retrieve(first.id).id == first.id


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v1/responses/resp_none?stream=true", 404), ("GET", "/v1/responses/resp_1?starting_after=x", 400),
    ("GET", "/v1/responses", 405), ("PUT", "/v1/responses/resp_1", 405), ("GET", "/v1/responses/", 404),
    ("GET", "/responses/resp_none", 404), ("GET", "/v1/responses/resp_1/x", 404),
    ("GET", "/v1/responses/resp_1/input_items?limit=0", 400)])
def test_what_is_not_served_says_so(world, method, path, status):
    answer = httpx.request(method, world.url + path, headers={"authorization": f"Bearer {KEY}"},
                           **({"json": {}} if method != "GET" else {}))
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_items_are_named_instead_of_repeated(world, model, responses_upstream):
    client = world.openai()
    first = client.responses.create(model=model, input="say one")
    question = [{"role": "user", "content": "say one"}]
    question += [{"type": "item_reference", "id": item.id} for item in first.output]
    question += [{"role": "user", "content": "say two"}]
    second = client.responses.create(model=model, input=question)
    assert second.output_text == "two"
    items = client.responses.input_items.list(second.id, order="asc")
    assert [item.content[0].text for item in items] == ["say one", "one", "say two"]
    third = client.responses.create(model=model, input="say three", previous_response_id=second.id)
    assert third.output_text == "three"
    for key, reference in ((OTHER, first.output[-1].id), (KEY, "msg_nothing")):
        with pytest.raises(openai.NotFoundError) as caught:
            world.openai(key).responses.create(model=model, input=[{"type": "item_reference", "id": reference}])
        assert reference in caught.value.message and caught.value.param == "input"


def test_the_upstream_that_keeps_an_item_gets_its_name_and_another_what_it_says(world, openai_upstream,
                                                                                responses_upstream):
    client = world.openai()
    first = client.responses.create(model="gpt-5-mini", input="say one")
    question = [{"type": "item_reference", "id": first.output[-1].id}, {"role": "user", "content": "say two"}]
    client.responses.create(model="gpt-5-mini", input=question)
    assert responses_upstream.records.last()[1]["input"] == question
    client.responses.create(model="gpt-4o-mini", input=question)
    messages = openai_upstream.records.last()[1]["messages"]
    assert [(entry["role"], entry["content"]) for entry in messages] == [("assistant", "one"), ("user", "say two")]


def test_stored_prompts_are_refused_by_other_formats(world):
    client = world.openai()
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="claude-haiku-5", input="say hi", prompt={"id": "pmpt_1"})
    assert caught.value.param == "prompt"


def test_responses_survive_a_restart_and_can_be_switched_off(tmp_path):
    upstream = OpenAIUpstream()
    running = Running(tmp_path, openai_site(upstream.url))
    try:
        kept = running.openai().responses.create(model="gpt-4o-mini", input="say one")
        running.gateway.stop()
        running.gateway.start().wait_ready(running.port)
        again = running.openai().responses.create(
            model="gpt-4o-mini", input="say two", previous_response_id=kept.id)
        assert again.output_text == "two" and len(upstream.records.last()[1]["messages"]) == 3
        running.gateway.stop()
        text = running.gateway.config.read_text()
        running.gateway.config.write_text(
            text.replace("gateway: { listen", "gateway: { responses: { store: false }, listen"))
        running.gateway.start().wait_ready(running.port)
        with pytest.raises(openai.BadRequestError) as caught:
            running.openai().responses.create(model="gpt-4o-mini", input="say two", previous_response_id=kept.id)
        assert caught.value.code == "previous_response_not_found"
    finally:
        running.stop()
        upstream.stop()


# E-69
def test_e69_sealed_reasoning_of_another_account_is_dropped_and_the_request_goes_again(tmp_path):
    upstream = ResponsesUpstream()
    running = Running(tmp_path, responses_site(upstream.url))
    try:
        response = running.openai().responses.create(model="gpt-5-mini", store=False, input=[
            {"role": "user", "content": "think about it"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "foreign"},
            {"role": "assistant", "content": "thought"}, {"role": "user", "content": "say done"}])
        assert response.output_text == "done"
        first, second = [body for _, body in upstream.records.requests]
        assert any(item.get("type") == "reasoning" for item in first["input"])
        assert not any(item.get("type") == "reasoning" for item in second["input"])
        while not running.request_rows():
            time.sleep(0.05)
        row = running.row(running.request_rows()[0]["id"])
        assert row["outcome"] == "completed" and row["attempts"] == 2
    finally:
        running.stop()
        upstream.stop()


def test_a_kept_response_comes_as_a_stream_too(world, model):
    client = world.openai()
    tools = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}},
              "strict": False}]
    for prompt in ("say Grüße 🌍", 'call weather {"city": "Oslo"}'):
        kept = client.responses.create(model=model, input=prompt, tools=tools)
        events = list(client.responses.retrieve(kept.id, stream=True))
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[0].type == "response.created" and events[-1].type == "response.completed"
        assert events[-1].response.output == kept.output
        done = [event.item for event in events if event.type == "response.output_item.done"]
        assert done == kept.output
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert text == kept.output_text
        rest = list(client.responses.retrieve(kept.id, stream=True, starting_after=2))
        assert rest == events[3:]
    with pytest.raises(openai.NotFoundError):
        world.openai(OTHER).responses.retrieve(kept.id, stream=True)


def test_tokens_are_estimated_with_the_conversation(world, model):
    client = world.openai()
    answer = client.responses.input_tokens.with_raw_response.count(model=model, input="some words that are counted")
    assert answer.headers["x-patchbay-warnings"] == "usage.estimated;info"
    short = answer.parse()
    assert short.object == "response.input_tokens" and 3 < short.input_tokens < 30
    kept = client.responses.create(model=model, input="say " + "many words " * 50)
    long = client.responses.input_tokens.count(model=model, input="hi", previous_response_id=kept.id)
    assert long.input_tokens > 200
    with pytest.raises(openai.BadRequestError) as caught:
        world.openai(OTHER).responses.input_tokens.count(model=model, input="hi", previous_response_id=kept.id)
    assert caught.value.code == "previous_response_not_found"


class WithoutOutput(ResponsesUpstream):
    """Says in its last event that the response has no output (formats.md E-72)."""

    async def stream(self, body, answer, turn, number, final):
        class Emptied:
            begin_stream, end_stream = answer.begin_stream, answer.end_stream

            @staticmethod
            async def chunk(text):
                if text.startswith("event: response.completed"):
                    event = json.loads(text.split("data: ", 1)[1])
                    event["response"]["output"] = []
                    text = f"event: response.completed\ndata: {json.dumps(event)}\n\n"
                await answer.chunk(text)

        await super().stream(body, Emptied, turn, number, final)


def test_e72_a_response_whose_end_has_no_output_is_kept_with_what_the_stream_said(tmp_path):
    upstream, chat = WithoutOutput(), OpenAIUpstream()
    running = Running(tmp_path, responses_site(upstream.url) + openai_site(chat.url))
    try:
        client = running.openai()
        first = None
        for event in client.responses.create(model="gpt-5-mini", input="say one", stream=True):
            if event.type == "response.completed":
                first = event.response
        assert first.output == []
        assert client.responses.retrieve(first.id).output_text == "one"
        client.responses.create(model="gpt-4o-mini", input="say two", previous_response_id=first.id)
        assert [entry["content"] for entry in chat.records.last()[1]["messages"]] == ["say one", "one", "say two"]
    finally:
        running.stop()
        upstream.stop()
        chat.stop()


def test_a_conversation_is_compacted_for_its_owner_only(world):
    client = world.openai()
    first = client.responses.create(model="gpt-5-mini", input="say one")
    result = client.responses.compact(model="gpt-5-mini", previous_response_id=first.id)
    assert result.output[-1].type == "compaction"
    with pytest.raises(openai.BadRequestError) as caught:
        world.openai(OTHER).responses.compact(model="gpt-5-mini", previous_response_id=first.id)
    assert caught.value.code == "previous_response_not_found"
