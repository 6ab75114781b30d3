"""Compacted conversations: from the upstream that has them, else as a summary that the gateway seals and opens again."""

import json

import openai
import pytest
from fakes.frames import Chat, document
from fakes.openai_api import OpenAIUpstream
from fakes.responses_api import ResponsesUpstream
from gateway import KEY, Running, anthropic_site, gemini_site, openai_site, responses_site
from scripted_world import World

OTHER = "sk-client-2-abcdefgh"
KEYS = (f'- {{ name: dev, key: {KEY}, models: ["*"] }}\n  - {{ name: other, key: {OTHER}, models: ["*"] }}\n'
        '  - { name: strict, key: sk-client-3-abcdefgh, models: ["*"], strict_conversion: true }')
MODELS = {"openai upstream": "gpt-4o-mini", "anthropic upstream": "claude-haiku-5", "gemini upstream": "gemini-3-flash"}
ITEMS = [
    {"type": "message", "role": "user", "content": "Look into Main.swift."},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
    {"type": "function_call", "call_id": "c1", "name": "read", "arguments": '{"path":"Main.swift"}'},
    {"type": "function_call_output", "call_id": "c1", "output": "line 7 is broken"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Line 7.", "annotations": []}]},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Mend it."}]}]


@pytest.fixture(scope="module")
def world(tmp_path_factory, openai_upstream, anthropic_upstream, responses_upstream, gemini_upstream):
    sites = openai_site(openai_upstream.url) + anthropic_site(anthropic_upstream.url)
    sites += responses_site(responses_upstream.url) + gemini_site(gemini_upstream.url)
    running = Running(tmp_path_factory.mktemp("compaction"), sites, keys=KEYS)
    yield running
    running.stop()


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def test_an_upstream_that_compacts_gets_the_request_unchanged(world, responses_upstream):
    answer = world.openai().responses.with_raw_response.compact(model="gpt-5-mini", input=ITEMS, instructions="Be kind.")
    result = answer.parse()
    assert result.object == "response.compaction" and result.output[-1].encrypted_content.startswith("sealed:")
    assert json.loads(result.output[-1].encrypted_content[7:]) == ITEMS
    assert "x-patchbay-warnings" not in answer.headers


def test_a_summary_takes_its_place(world, model):
    client = world.openai()
    answer = client.responses.with_raw_response.compact(model=model, input=ITEMS)
    result = answer.parse()
    assert "compaction.emulated;semantic" in answer.headers["x-patchbay-warnings"]
    assert (result.object, result.usage.total_tokens > 0) == ("response.compaction", True)
    assert [item.type for item in result.output] == ["message", "message", "compaction"]
    assert [item.content[0].text for item in result.output[:2]] == ["Look into Main.swift.", "Mend it."]
    sealed = result.output[-1].encrypted_content
    assert sealed.startswith("pb1:patchbay:compaction::") and "Main" not in sealed
    # The fake says what it was asked: the transcript has everything but the reasoning.
    items = [item.to_dict() for item in result.output] + [{"type": "message", "role": "user", "content": "say on"}]
    assert client.responses.create(model=model, input=items).output_text == "on"
    row = world.row(answer.headers["x-request-id"])
    assert (row["outcome"], row["output_tokens"] > 0) == ("completed", True)
    assert "compaction.emulated;semantic" in row["warnings"]


def test_every_request_of_a_connection_is_one_for_its_endpoint(world, model):
    client = world.openai()
    results = [client.responses.compact(model=model, input=ITEMS) for _ in range(3)]
    assert [result.object for result in results] == 3 * ["response.compaction"]
    assert [result.output[-1].type for result in results] == 3 * ["compaction"]


def test_every_model_reads_it(world, responses_upstream):
    client = world.openai()
    result = client.responses.compact(model="claude-haiku-5", input=ITEMS)
    items = [item.to_dict() for item in result.output] + [{"type": "message", "role": "user", "content": "say on"}]
    for model in ("gpt-5-mini", *MODELS.values()):
        assert client.responses.create(model=model, input=items).output_text == "on"
    sent = next(body for _, body in reversed(responses_upstream.records.requests) if "input" in body)
    summary = sent["input"][2]
    assert summary["role"] == "user" and summary["content"].startswith("Summary of the conversation up to here")
    for words in ("line 7 is broken", "[call of read]", "Line 7."):
        assert words in summary["content"]
    assert "sealed" not in summary["content"]
    # It may be added to a conversation, and be gone on from.
    talk = client.conversations.create(items=items[:-1]).id
    assert client.responses.create(model="gpt-4o-mini", conversation=talk, input="say more").output_text == "more"
    first = client.responses.create(model="gpt-4o-mini", input=items)
    assert client.responses.create(
        model="gpt-5-mini", previous_response_id=first.id, input="say again").output_text == "again"


def test_it_belongs_to_the_key_and_is_whole(world):
    client = world.openai()
    item = client.responses.compact(model="gpt-4o-mini", input=ITEMS).output[-1].to_dict()
    damaged = {**item, "encrypted_content": item["encrypted_content"][:-8] + "AAAAAAAA"}
    for who, what in ((world.openai(OTHER), item), (client, damaged)):
        with pytest.raises(openai.BadRequestError) as error:
            who.responses.create(model="gpt-4o-mini", input=[what, {"role": "user", "content": "say x"}])
        assert error.value.param == "input" and "compaction" in error.value.message


def test_it_is_refused_where_nothing_may_be_lost(world):
    with pytest.raises(openai.BadRequestError) as error:
        world.openai("sk-client-3-abcdefgh").responses.compact(model="gpt-4o-mini", input=ITEMS)
    assert error.value.code == "unsupported_conversion"


def test_what_was_said_before_is_part_of_it(world):
    client = world.openai()
    first = client.responses.create(model="gpt-4o-mini", input="say remember seven")
    result = client.responses.compact(model="gpt-4o-mini", previous_response_id=first.id)
    assert result.output[0].content[0].text == "say remember seven"
    with pytest.raises(openai.BadRequestError):
        world.openai(OTHER).responses.compact(model="gpt-4o-mini", previous_response_id=first.id)


def test_nothing_to_compact(world):
    with pytest.raises(openai.APIStatusError):
        world.openai().responses.compact(model="gpt-4o-mini", input=[])


def test_an_upstream_of_the_format_without_the_endpoint(tmp_path):
    class Without(ResponsesUpstream):
        @staticmethod
        async def compact(body, answer):
            await answer.document(404, {"error": {"message": "Invalid URL (POST /v1/responses/compact)",
                                                  "type": "invalid_request_error", "param": None, "code": None}})

    upstream = Without()
    running = Running(tmp_path, responses_site(upstream.url))
    try:
        answer = running.openai().responses.with_raw_response.compact(model="gpt-5-mini", input=ITEMS)
        assert answer.parse().output[-1].encrypted_content.startswith("pb1:patchbay:")
        assert "compaction.emulated" in answer.headers["x-patchbay-warnings"]
        # The endpoint for conversations has not been given up.
        assert running.openai().responses.create(model="gpt-5-mini", input="say on").output_text == "on"
    finally:
        running.stop()
        upstream.stop()


def test_a_failing_upstream_is_not_asked_for_a_summary(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("failing"), 3)
    try:
        name = world.fresh("responses")
        world.upstream.play(name, document({"error": {"message": "broken", "type": "server_error"}}, 500))
        with pytest.raises(openai.APIStatusError):
            world.running.openai().responses.compact(model=f"model-{name}", input=ITEMS)
        # A summary that is cut is none.
        name = world.fresh("chat")
        cut = json.loads(json.dumps(Chat.whole).replace('"stop"', '"length"'))
        world.upstream.play(name, document(cut))
        with pytest.raises(openai.APIStatusError):
            world.running.openai().responses.compact(model=f"model-{name}", input=ITEMS)
    finally:
        world.stop()
