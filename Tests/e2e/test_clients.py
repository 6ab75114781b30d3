"""What the OpenAI and Anthropic SDKs do that has no counterpart in other clients; `test_pairs.py` has what all do."""

import pytest

pytestmark = pytest.mark.sdk

MODELS = {
    "openai upstream": "gpt-4o-mini", "anthropic upstream": "claude-haiku-5", "responses upstream": "gpt-5-mini",
    "gemini upstream": "gemini-3-flash"}


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
