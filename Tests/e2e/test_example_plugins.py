"""The example package of the SDK: a wire format and a platform that the gateway knows nothing about, built from the
public kit alone and dropped into a running gateway. Clients and upstreams of every format meet through it."""

import json
import shutil
import time

import anthropic
import httpx
import openai
import pytest
from fakes.cohere_api import CohereUpstream
from gateway import BINARY, KEY, ROOT, Running, openai_site
from outside import build_swift

CACHE = ROOT / ".build" / "e2e-swift-examples"
PRODUCTS = ("format-cohere-chat", "platform-cohere")
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}]
CALL = 'call weather {"city": "Zürich"}'


def user(text):
    return [{"role": "user", "content": text}]


class World:
    def __init__(self, directory, openai_upstream):
        build_swift(ROOT / "sdk/examples/cohere", PRODUCTS, CACHE)
        self.upstream = CohereUpstream()
        site = f"""  - name: cohere
    platform: cohere
    base_url: {self.upstream.url}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-cohere-1 }}, models: [command-a, odd] }} ]
"""
        plugins = directory / "plugins"
        plugins.mkdir(parents=True)
        self.running = Running(directory / "gateway", site + openai_site(openai_upstream.url),
                               arguments=["--plugins", f"{plugins}:{BINARY.parent}"])
        for product in PRODUCTS:
            shutil.copyfile(CACHE / f"build/debug/lib{product}.so", plugins / f"lib{product}.so")
        self.wait()
        self.openai, self.anthropic = self.running.openai(), self.running.anthropic()

    def wait(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.ask(user("say hi")).status_code == 200:
                return
            time.sleep(0.05)
        raise AssertionError(self.running.gateway.log.read_text()[-3000:])

    def ask(self, messages, **members):
        """A client of Cohere's own format."""
        return httpx.post(f"{self.running.url}/v2/chat", headers={"authorization": f"Bearer {KEY}"}, timeout=20,
                          json={"model": "command-a", "messages": messages, **members})

    def stop(self):
        self.running.stop()
        self.upstream.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory, openai_upstream):
    world = World(tmp_path_factory.mktemp("example"), openai_upstream)
    yield world
    world.stop()


def events(text):
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


pytestmark = pytest.mark.slow


def test_the_plugins_are_loaded(world):
    for product in PRODUCTS:
        found = world.running.admin.get(f"/plugins/{product}").json()
        assert (found["state"], found["version"]) == ("loaded", "0.1.0"), found


class TestOpenAIClient:
    def complete(self, world, stream, **arguments):
        if not stream:
            return world.openai.chat.completions.create(model="command-a", **arguments)
        with world.openai.chat.completions.stream(
                model="command-a", stream_options={"include_usage": True}, **arguments) as stream:
            return stream.get_final_completion()

    @pytest.mark.parametrize("stream", [False, True])
    def test_text_and_usage(self, world, stream):
        answer = self.complete(world, stream, messages=user("say Grüße 🌍"), temperature=0.3, top_p=0.5, stop=["END"])
        assert answer.choices[0].message.content == "Grüße 🌍"
        assert answer.usage.prompt_tokens == 71 and answer.usage.completion_tokens == 9
        seen = world.upstream.records.last()[1]
        assert (seen["temperature"], seen["p"], seen["stop_sequences"]) == (0.3, 0.5, ["END"])

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_turn_with_a_tool(self, world, stream):
        first = self.complete(world, stream, messages=user(CALL), tools=TOOLS)
        call = first.choices[0].message.tool_calls[0]
        assert json.loads(call.function.arguments) == {"city": "Zürich"}
        assert first.choices[0].finish_reason == "tool_calls"
        history = [*user(CALL), {"role": "assistant", "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
                   {"role": "tool", "tool_call_id": call.id, "content": "sun"}]
        second = self.complete(world, stream, messages=history, tools=TOOLS)
        assert second.choices[0].message.content == "the tool said sun"

    def test_a_cut_stream_raises(self, world):
        with pytest.raises(openai.APIError):
            list(world.openai.chat.completions.create(model="odd", messages=user("cut say many words"), stream=True))

    def test_mistakes_are_told_in_the_clients_dialect(self, world):
        with pytest.raises(openai.BadRequestError) as failure:
            world.openai.chat.completions.create(model="command-a", messages=user("forbidden"))
        assert "this text is forbidden" in str(failure.value)


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_client(world, stream):
    arguments = {"model": "command-a", "max_tokens": 100, "messages": user(CALL), "tools": [
        {"name": "weather", "description": "Tells.", "input_schema": {"type": "object", "properties": {}}}]}
    if stream:
        with world.anthropic.messages.stream(**arguments) as events:
            answer = events.get_final_message()
    else:
        answer = world.anthropic.messages.create(**arguments)
    assert answer.stop_reason == "tool_use"
    assert [block.input for block in answer.content if block.type == "tool_use"] == [{"city": "Zürich"}]
    assert isinstance(answer, anthropic.types.Message)


class TestCohereClient:
    def test_same_format_is_untouched(self, world):
        answer = world.ask(user("say hi"), safety_mode="NONE")
        assert answer.json()["message"]["content"] == [{"type": "text", "text": "hi"}]
        row = world.running.row(answer.headers["x-request-id"])
        assert (row["client_format"], row["upstream_format"]) == ("cohere.chat", "cohere.chat")
        assert (row["input_tokens"], row["output_tokens"]) == (71, 9)
        assert [event["type"] for event in events(world.ask(user("say hi"), stream=True).text)][-1] == "message-end"

    @pytest.mark.parametrize("stream", [False, True])
    def test_on_an_openai_upstream(self, world, stream):
        answer = world.ask(user("say one two three"), model="gpt-4o-mini", stream=stream, p=0.5)
        assert answer.status_code == 200, answer.text
        if not stream:
            assert answer.json()["message"]["content"][0]["text"] == "one two three"
            assert answer.json()["finish_reason"] == "COMPLETE"
            return
        seen = events(answer.text)
        kinds = [event["type"] for event in seen]
        assert kinds[0] == "message-start" and kinds[-1] == "message-end" and "content-end" in kinds
        text = "".join(event["delta"]["message"]["content"]["text"] for event in seen if event["type"] == "content-delta")
        assert text == "one two three"
        assert seen[-1]["delta"]["usage"]["tokens"]["output_tokens"] > 0

    def test_tools_on_an_openai_upstream(self, world):
        answer = world.ask(user(CALL), model="gpt-4o-mini", tools=TOOLS).json()
        assert answer["finish_reason"] == "TOOL_CALL"
        assert json.loads(answer["message"]["tool_calls"][0]["function"]["arguments"]) == {"city": "Zürich"}

    def test_errors(self, world):
        assert world.ask(user("forbidden"), model="command-a").json()["message"] == "this text is forbidden"
        assert world.ask([], model="gpt-4o-mini").status_code == 400
