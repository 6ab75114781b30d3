"""The Responses API through the official SDK, against an upstream of each format, streaming and not."""

import json

import httpx
import openai
import pytest
from gateway import KEY

pytestmark = pytest.mark.sdk

MODELS = {
    "openai upstream": "gpt-4o-mini", "anthropic upstream": "claude-haiku-5", "responses upstream": "gpt-5-mini",
    "gemini upstream": "gemini-3-flash"}
STREAMS = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def respond(gateway, stream, **arguments):
    client = gateway.openai()
    if not stream:
        return client.responses.create(**arguments)
    with client.responses.stream(**arguments) as events:
        seen = [event for event in events]
        numbers = [event.sequence_number for event in seen if hasattr(event, "sequence_number")]
        assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)
        return events.get_final_response()


@STREAMS
def test_text_usage_and_echo(gateway, model, stream):
    response = respond(
        gateway, stream, model=model, input="say Grüße 🌍 from here", instructions="Be brief.", temperature=0.5,
        metadata={"a": "b"}, max_output_tokens=200)
    assert response.output_text == "Grüße 🌍 from here"
    assert response.status == "completed" and response.error is None and response.incomplete_details is None
    assert response.id.startswith("resp_") and response.model == model
    assert response.instructions == "Be brief." and response.temperature == 0.5
    assert response.metadata == {"a": "b"} and response.max_output_tokens == 200
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    assert response.usage.input_tokens_details.cached_tokens > 0
    assert response.usage.output_tokens_details.reasoning_tokens >= 0


@STREAMS
def test_an_answer_cut_by_the_limit_is_incomplete(gateway, stream):
    client = gateway.openai()
    if not stream:
        response = client.responses.create(model="gpt-5-mini", input="say too long")
        assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        return
    events = list(client.responses.create(model="gpt-5-mini", input="say too long", stream=True))
    assert events[-1].type == "response.incomplete"
    chunks = list(client.chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": "say too long"}], stream=True))
    assert chunks[-1].choices[0].finish_reason == "length"


@STREAMS
@pytest.mark.parametrize("alias", ["gpt-4o", "claude-sonnet", "gpt-5"])
def test_alias_is_echoed(gateway, alias, stream):
    assert respond(gateway, stream, model=alias, input="say hi").model == alias


class TestCodex:
    """What Codex CLI sends (peers.md section 7.1), raw, and what it needs back."""

    TOOLS = [
        {"type": "function", "name": "shell", "description": "Runs a command.", "strict": False, "parameters": {
            "type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}}},
            "required": ["command"], "additionalProperties": False}},
        {"type": "custom", "name": "apply_patch", "description": "Patches files.", "format": {
            "type": "grammar", "syntax": "lark", "definition": "start: /.+/"}},
        {"type": "web_search"},
        {"type": "local_shell"},
    ]

    def body(self, model, items):
        return {
            "model": model, "instructions": "You are a coding agent.", "input": items, "tools": self.TOOLS,
            "tool_choice": "auto", "parallel_tool_calls": False, "reasoning": {"effort": "medium", "summary": "auto"},
            "store": False, "stream": True, "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "0199-session", "text": {"verbosity": "medium"}}

    def events(self, gateway, model, items):
        headers = {"authorization": f"Bearer {KEY}", "originator": "codex_cli_rs", "session_id": "0199",
                   "accept": "text/event-stream"}
        with httpx.stream("POST", f"{gateway.url}/v1/responses", json=self.body(model, items), headers=headers,
                          timeout=20) as answer:
            assert answer.status_code == 200, answer.read()
            text = answer.read().decode()
        frames = [json.loads(frame.split("data: ", 1)[1]) for frame in text.strip().split("\n\n")]
        for frame in text.strip().split("\n\n"):
            name, data = frame.split("\n", 1)
            assert json.loads(data[6:])["type"] == name[7:]
        assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
        return frames

    def user(self, text):
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}

    def test_two_turns_with_a_function(self, gateway, model):
        head = [{"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Sandboxed."}]},
                self.user("<environment_context/>"), self.user('call shell {"command": ["ls"]}')]
        first = self.events(gateway, model, head)
        items = [frame["item"] for frame in first if frame["type"] == "response.output_item.done"]
        assert first[-1]["type"] == "response.completed"
        assert first[-1]["response"]["id"] and first[-1]["response"]["usage"]["total_tokens"] > 0
        call = items[-1]
        assert (call["type"], call["name"], json.loads(call["arguments"])) == (
            "function_call", "shell", {"command": ["ls"]})
        second = self.events(gateway, model, [*head, *items, {
            "type": "function_call_output", "call_id": call["call_id"], "output": "README.md"}])
        items = [frame["item"] for frame in second if frame["type"] == "response.output_item.done"]
        assert items[-1]["content"][0]["text"] == "the tool said README.md"

    def test_a_tool_that_takes_free_text(self, gateway, model):
        head = [self.user('call apply_patch {"input": "*** Begin Patch"}')]
        first = self.events(gateway, model, head)
        items = [frame["item"] for frame in first if frame["type"] == "response.output_item.done"]
        assert (items[-1]["type"], items[-1]["name"], items[-1]["input"]) == (
            "custom_tool_call", "apply_patch", "*** Begin Patch")
        assert any(frame["type"] == "response.custom_tool_call_input.done" for frame in first)
        second = self.events(gateway, model, [*head, *items, {
            "type": "custom_tool_call_output", "call_id": items[-1]["call_id"], "output": "patched"}])
        items = [frame["item"] for frame in second if frame["type"] == "response.output_item.done"]
        assert items[-1]["content"][0]["text"] == "the tool said patched"


class TestErrors:
    def test_unknown_model(self, gateway):
        with pytest.raises(openai.NotFoundError) as caught:
            gateway.openai().responses.create(model="no-such-model", input="hi")
        assert caught.value.code == "model_not_found"

    @pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5-mini"])
    def test_the_clients_mistake_comes_back_in_its_dialect(self, gateway, model):
        with pytest.raises(openai.BadRequestError) as caught:
            gateway.openai().responses.create(model=model, input="forbidden words")
        assert "safety system" in caught.value.message

    def test_several_answers_cannot_be_asked_of_responses(self, gateway):
        with pytest.raises(openai.BadRequestError) as caught:
            gateway.openai().chat.completions.create(
                model="gpt-5-mini", n=2, messages=[{"role": "user", "content": "say hi"}])
        assert "openai.responses" in caught.value.message
