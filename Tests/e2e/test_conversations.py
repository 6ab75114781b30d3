"""Conversations that clients keep by their own id, with upstreams of every format."""

import time

import openai
import pytest
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
    sites += openai_site("http://127.0.0.1:9", name="deaf").replace("gpt-4o-mini", "deaf-model").replace("as: gpt-4o", "as: d")
    running = Running(tmp_path_factory.mktemp("conversations"), sites, keys=KEYS)
    yield running
    running.stop()


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def stream(request):
    return request.param


def create(client, stream, **arguments):
    if not stream:
        return client.responses.create(**arguments)
    with client.responses.stream(**arguments) as events:
        return events.get_final_response()


def texts(client, conversation):
    items = client.conversations.items.list(conversation, order="asc")
    return [item.content[0].text if item.type == "message" else item.type for item in items]


def user(text):
    return {"type": "message", "role": "user", "content": text}


def test_life_of_a_conversation(world):
    client = world.openai()
    made = client.conversations.create(metadata={"topic": "demo"}, items=[user("hello"), user("again")])
    assert (made.object, made.metadata) == ("conversation", {"topic": "demo"})
    assert made.id.startswith("conv_") and abs(made.created_at - time.time()) < 60
    assert client.conversations.retrieve(made.id) == made
    changed = client.conversations.update(made.id, metadata={"topic": "other"})
    assert (changed.id, changed.created_at, changed.metadata) == (made.id, made.created_at, {"topic": "other"})
    assert texts(client, made.id) == ["hello", "again"]
    gone = client.conversations.delete(made.id)
    assert (gone.id, gone.object, gone.deleted) == (made.id, "conversation.deleted", True)
    for ask in (client.conversations.retrieve, client.conversations.delete, client.conversations.items.list):
        with pytest.raises(openai.NotFoundError):
            ask(made.id)
    assert client.conversations.create().metadata == {}


def test_items_are_added_listed_and_removed(world):
    client = world.openai()
    conversation = client.conversations.create().id
    added = client.conversations.items.create(conversation, items=[
        user("one"), {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
        {"id": "msg_mine", "type": "message", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "two", "annotations": []}]}])
    ids = [item.id for item in added.data]
    assert len(set(ids)) == 4 and ids[3] == "msg_mine" and (added.first_id, added.last_id) == (ids[0], ids[3])
    assert (ids[0][:4], ids[1][:3], added.data[0].status) == ("msg_", "fc_", "completed")
    # Two of the same id are two items.
    client.conversations.items.create(conversation, items=[{"id": "msg_mine", "role": "user", "content": "three"}])
    ids = [item.id for item in client.conversations.items.list(conversation, order="asc", limit=2)]
    assert len(set(ids)) == 5
    assert [item.id for item in client.conversations.items.list(conversation)] == ids[::-1]
    page = client.conversations.items.list(conversation, order="asc", limit=2, after=ids[1])
    assert [item.id for item in page.data] == ids[2:4] and page.has_more
    found = client.conversations.items.retrieve(ids[0], conversation_id=conversation)
    assert (found.id, found.role, found.content[0].text) == (ids[0], "user", "one")
    left = client.conversations.items.delete(ids[0], conversation_id=conversation)
    assert (left.id, left.object) == (conversation, "conversation")
    for ask in (client.conversations.items.retrieve, client.conversations.items.delete):
        with pytest.raises(openai.NotFoundError):
            ask(ids[0], conversation_id=conversation)
    assert len(list(client.conversations.items.list(conversation))) == 4


def test_it_belongs_to_the_key_that_made_it(world):
    client, other = world.openai(), world.openai(OTHER)
    conversation = client.conversations.create(items=[user("secret")]).id
    item = client.conversations.items.list(conversation).data[0].id
    for ask in (
            lambda: other.conversations.retrieve(conversation), lambda: other.conversations.delete(conversation),
            lambda: other.conversations.update(conversation, metadata={}),
            lambda: other.conversations.items.list(conversation),
            lambda: other.conversations.items.retrieve(item, conversation_id=conversation),
            lambda: other.conversations.items.delete(item, conversation_id=conversation),
            lambda: other.conversations.items.create(conversation, items=[user("mine")]),
            lambda: other.responses.create(model="gpt-4o-mini", input="say x", conversation=conversation)):
        with pytest.raises(openai.NotFoundError):
            ask()
    assert texts(client, conversation) == ["secret"]


def test_what_is_wrong_is_said(world):
    client = world.openai()
    conversation = client.conversations.create().id
    first = client.responses.create(model="gpt-4o-mini", input="say one")
    for ask, name in (
            (lambda: client.conversations.create(items=[user("x")] * 21), "items"),
            (lambda: client.conversations.create(items=[{"type": "item_reference", "id": "x"}]), "items"),
            (lambda: client.conversations.create(metadata={"a": "b" * 513}), "metadata"),
            (lambda: client.conversations.update(conversation, metadata={str(i): "" for i in range(17)}), "metadata"),
            (lambda: client.conversations.items.list(conversation, limit=101).data, "limit"),
            (lambda: client.responses.create(
                model="gpt-4o-mini", input="x", conversation=conversation, previous_response_id=first.id),
             "conversation"),
            (lambda: client.responses.create(model="gpt-4o-mini", input="x", conversation={}), "conversation")):
        with pytest.raises(openai.BadRequestError) as error:
            ask()
        assert error.value.param == name
    with pytest.raises(openai.NotFoundError) as error:
        client.responses.create(model="gpt-4o-mini", input="x", conversation="conv_unknown")
    assert error.value.param == "conversation"


def test_responses_go_on_in_it(world, model, stream):
    client = world.openai()
    conversation = client.conversations.create(items=[user("Be brief.")])
    tools = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}},
              "strict": False}]
    first = create(client, stream, model=model, input="call weather {}", tools=tools, conversation=conversation.id)
    call = next(item for item in first.output if item.type == "function_call")
    assert first.conversation.id == conversation.id
    second = create(client, stream, model=model, tools=tools, conversation={"id": conversation.id}, input=[
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}])
    assert second.output_text == "the tool said sunny"
    third = create(client, stream, model=model, conversation=conversation.id, input="say bye", store=False)
    assert third.output_text == "bye"
    assert [text for text in texts(client, conversation.id) if text != "reasoning"] == [
        "Be brief.", "call weather {}", "function_call", "function_call_output", "the tool said sunny", "say bye", "bye"]
    # What is kept of a response names its conversation, and other requests may go on from it.
    kept = client.responses.retrieve(second.id)
    assert (kept.conversation.id, kept.previous_response_id) == (conversation.id, None)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(third.id)
    said = [item.type for item in client.responses.input_items.list(second.id, order="asc")]
    assert said[:2] == ["message", "message"] and said[-2:] == ["function_call", "function_call_output"]
    aside = client.responses.create(model=model, tools=tools, previous_response_id=second.id, input="say aside")
    assert aside.output_text == "aside" and texts(client, conversation.id)[-1] == "bye"


def test_every_model_goes_on_in_the_same_conversation(world, responses_upstream):
    client = world.openai()
    conversation = client.conversations.create().id
    for number, model in enumerate(MODELS.values()):
        answer = client.responses.create(model=model, input=f"say {number}", conversation=conversation)
        assert answer.output_text == str(number)
    assert texts(client, conversation) == [text for number in range(4) for text in (f"say {number}", str(number))]
    client.responses.create(model="gpt-5-mini", input="say end", conversation=conversation)
    body = responses_upstream.records.last()[1]
    assert "conversation" not in body and len(body["input"]) == 9
    assert all("id" not in item for item in body["input"])


def test_items_may_be_named_by_their_ids(world, model):
    client = world.openai()
    conversation = client.conversations.create(items=[user("say named")]).id
    item = client.conversations.items.list(conversation).data[0].id
    answer = client.responses.create(
        model=model, conversation=conversation, input=[{"type": "item_reference", "id": item}])
    assert answer.output_text == "named"
    assert texts(client, conversation) == ["say named", "say named", "named"]
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=model, conversation=conversation, input=[{"type": "item_reference", "id": "no"}])


def test_a_failed_request_adds_nothing(world):
    client = world.openai()
    conversation = client.conversations.create().id
    with pytest.raises(openai.APIStatusError):
        client.responses.create(model="deaf-model", conversation=conversation, input="x")
    assert texts(client, conversation) == []


def test_background(world, model):
    client = world.openai()
    conversation = client.conversations.create().id
    response = client.responses.create(model=model, input="say later", conversation=conversation, background=True)
    deadline = time.monotonic() + 10
    while response.status in ("queued", "in_progress"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
        response = client.responses.retrieve(response.id)
    assert (response.output_text, response.conversation.id) == ("later", conversation)
    assert texts(client, conversation) == ["say later", "later"]


def test_conversations_outlive_the_gateway(tmp_path, openai_upstream):
    running = Running(tmp_path, openai_site(openai_upstream.url), keys=KEYS)
    client = running.openai()
    conversation = client.conversations.create(metadata={"a": "b"}).id
    client.responses.create(model="gpt-4o-mini", input="say one", conversation=conversation)
    assert texts(client, conversation) == ["say one", "one"]
    running.gateway.kill()
    running.gateway.start().wait_ready(running.port)
    assert client.conversations.retrieve(conversation).metadata == {"a": "b"}
    assert texts(client, conversation) == ["say one", "one"]
    running.stop()


def test_without_a_store_there_are_none(tmp_path, openai_upstream):
    class Keepless(Running):
        def configure(self, text):
            return text.replace("gateway: { listen", "gateway: { responses: { store: false }, listen")

    running = Keepless(tmp_path, openai_site(openai_upstream.url), keys=KEYS)
    with pytest.raises(openai.APIStatusError) as error:
        running.openai().conversations.create()
    assert error.value.status_code == 501
    running.stop()
