"""The official SDKs, unmodified, against an upstream of each format, streaming and not."""

import base64
import json

import pytest

MODELS = {
    "openai upstream": "gpt-4o-mini", "anthropic upstream": "claude-haiku-5", "responses upstream": "gpt-5-mini",
    "gemini upstream": "gemini-3-flash"}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
TOOLS = [{"type": "function", "function": {
    "name": name, "description": f"Does {name}.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": []}}}
    for name in ("weather", "clock")]
ANTHROPIC_TOOLS = [{"name": tool["function"]["name"], "description": tool["function"]["description"],
                    "input_schema": tool["function"]["parameters"]} for tool in TOOLS]
CALLS = 'call weather {"city": "Zürich"}; call clock {}'


def user(text):
    return [{"role": "user", "content": text}]


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


class TestOpenAIClient:
    def complete(self, gateway, stream, **arguments):
        client = gateway.openai()
        if not stream:
            return client.chat.completions.create(**arguments)
        with client.chat.completions.stream(stream_options={"include_usage": True}, **arguments) as events:
            return events.get_final_completion()

    @pytest.mark.parametrize("stream", [False, True])
    def test_text_and_usage(self, gateway, model, stream):
        answer = self.complete(gateway, stream, model=model, messages=user("say Grüße 🌍 from here"))
        assert answer.choices[0].message.content == "Grüße 🌍 from here"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.model == model
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
        assert answer.usage.prompt_tokens_details.cached_tokens > 0

    @pytest.mark.parametrize("stream", [False, True])
    def test_parallel_tools_and_their_results(self, gateway, model, stream):
        first = self.complete(gateway, stream, model=model, messages=user(CALLS), tools=TOOLS)
        calls = first.choices[0].message.tool_calls
        assert first.choices[0].finish_reason == "tool_calls"
        assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
            ("weather", {"city": "Zürich"}), ("clock", {})]
        assert len({call.id for call in calls}) == 2
        history = [*user(CALLS), {"role": "assistant", "tool_calls": [
            {"id": call.id, "type": "function",
             "function": {"name": call.function.name, "arguments": call.function.arguments}} for call in calls]}]
        history += [{"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name} is fine"}
                    for call in calls]
        second = self.complete(gateway, stream, model=model, messages=history, tools=TOOLS)
        assert second.choices[0].message.content.startswith("the tool said")

    @pytest.mark.parametrize("stream", [False, True])
    def test_forced_single_tool(self, gateway, model, stream):
        answer = self.complete(
            gateway, stream, model=model, messages=user('call weather {"city": "Oslo"}'), tools=TOOLS[:1],
            tool_choice={"type": "function", "function": {"name": "weather"}})
        assert [call.function.name for call in answer.choices[0].message.tool_calls] == ["weather"]

    @pytest.mark.parametrize("stream", [False, True])
    def test_images(self, gateway, model, stream):
        answer = self.complete(gateway, stream, model=model, messages=[{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"type": "text", "text": "look at this"}]}])
        assert answer.choices[0].message.content == "1 images: image/png"

    @pytest.mark.parametrize("stream", [False, True])
    def test_system_and_sampling(self, gateway, model, stream):
        answer = self.complete(
            gateway, stream, model=model, temperature=0.3, stop=["END"], max_completion_tokens=300,
            messages=[{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "And kind."},
                      *user("say ok")])
        assert answer.choices[0].message.content == "ok"

    def test_usage_chunk_comes_only_when_asked_for(self, gateway, model):
        chunks = list(gateway.openai().chat.completions.create(model=model, messages=user("say hi"), stream=True))
        assert all(chunk.choices for chunk in chunks)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "hi"
        chunks = list(gateway.openai().chat.completions.create(
            model=model, messages=user("say hi"), stream=True, stream_options={"include_usage": True}))
        assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0


class TestAnthropicClient:
    def complete(self, gateway, stream, **arguments):
        client = gateway.anthropic()
        arguments = {"max_tokens": 3000, **arguments}
        if not stream:
            return client.messages.create(**arguments)
        with client.messages.stream(**arguments) as events:
            return events.get_final_message()

    @pytest.mark.parametrize("stream", [False, True])
    def test_text_and_usage(self, gateway, model, stream):
        answer = self.complete(gateway, stream, model=model, messages=user("say Grüße 🌍 from here"))
        assert [block.type for block in answer.content] == ["text"]
        assert answer.content[0].text == "Grüße 🌍 from here"
        assert answer.stop_reason == "end_turn"
        assert answer.model == model
        assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
        assert answer.usage.cache_read_input_tokens > 0

    @pytest.mark.parametrize("stream", [False, True])
    def test_parallel_tools_and_their_results(self, gateway, model, stream):
        first = self.complete(gateway, stream, model=model, messages=user(CALLS), tools=ANTHROPIC_TOOLS)
        calls = [block for block in first.content if block.type == "tool_use"]
        assert first.stop_reason == "tool_use"
        assert [(call.name, call.input) for call in calls] == [("weather", {"city": "Zürich"}), ("clock", {})]
        history = [*user(CALLS), {"role": "assistant", "content": [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input} for call in calls]}]
        history.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": f"{call.name} is fine"} for call in calls]})
        second = self.complete(gateway, stream, model=model, messages=history, tools=ANTHROPIC_TOOLS)
        assert second.content[0].text.startswith("the tool said")

    @pytest.mark.parametrize("stream", [False, True])
    def test_images(self, gateway, model, stream):
        answer = self.complete(gateway, stream, model=model, messages=[{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "text", "text": "look at this"}]}])
        assert answer.content[0].text == "1 images: image/png"

    @pytest.mark.parametrize("stream", [False, True])
    def test_thinking(self, gateway, model, stream):
        answer = self.complete(
            gateway, stream, model=model, messages=user("think it over twice then say done"),
            thinking={"type": "enabled", "budget_tokens": 2048})
        assert [block.type for block in answer.content] == ["thinking", "text"]
        assert answer.content[0].thinking == "it over twice"
        assert answer.content[1].text == "done"

    @pytest.mark.parametrize("stream", [False, True])
    def test_thinking_can_be_sent_back(self, gateway, stream):
        question = user("think about it then say done")
        thinking = {"type": "enabled", "budget_tokens": 2048}
        first = self.complete(gateway, stream, model="claude-haiku-5", messages=question, thinking=thinking)
        blocks = [block.model_dump(exclude_none=True) for block in first.content]
        second = self.complete(
            gateway, stream, model="claude-haiku-5", thinking=thinking,
            messages=[*question, {"role": "assistant", "content": blocks}, *user("say again")])
        assert second.content[-1].text == "again"

    @pytest.mark.parametrize("stream", [False, True])
    def test_system_blocks_with_cache_control(self, gateway, model, stream):
        answer = self.complete(
            gateway, stream, model=model, messages=user("say ok"), stop_sequences=["END"],
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}])
        assert answer.content[0].text == "ok"


class TestModelNames:
    """An alias is what the client sees, whatever the upstream calls the model."""

    @pytest.mark.parametrize("alias", ["gpt-4o", "claude-sonnet", "gpt-5", "gemini-pro"])
    def test_alias_is_echoed(self, gateway, alias):
        answer = gateway.openai().chat.completions.create(model=alias, messages=user("say hi"))
        assert answer.model == alias
        chunks = list(gateway.openai().chat.completions.create(model=alias, messages=user("say hi"), stream=True))
        assert {chunk.model for chunk in chunks} == {alias}
        message = gateway.anthropic().messages.create(model=alias, messages=user("say hi"), max_tokens=50)
        assert message.model == alias

    def test_lists_in_two_dialects(self, gateway):
        expected = {"gpt-4o-mini", "gpt-4o", "claude-haiku-5", "claude-sonnet", "gpt-5-mini", "gpt-5",
                    "gemini-3-flash", "gemini-pro"}
        assert {entry.id for entry in gateway.openai().models.list()} == expected
        assert {entry.id for entry in gateway.anthropic().models.list()} == expected


class TestBytes:
    """In the same format what the client sends is what the upstream gets, byte for byte, but for the patches."""

    def test_unknown_layout_survives(self, gateway, openai_upstream):
        import httpx
        body = ('{ "messages" : [ {"role":"user","content":"say \\u0041 1"} ],\n "seed":12345678901234567, '
                '"temperature" : 1.0, "model":"gpt-4o-mini" }')
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", content=body.encode(), headers={
            "authorization": "Bearer sk-client-1-abcdefgh", "content-type": "application/json"})
        assert answer.json()["choices"][0]["message"]["content"] == "A 1"
        assert openai_upstream.records.last()[0].body.decode() == body
