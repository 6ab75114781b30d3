"""The official Gemini SDK, unmodified, against an upstream of each format."""

import base64
import json

import httpx
import pytest
from fakes.gemini_api import GeminiUpstream
from fakes.scripted import ScriptedUpstream
from gateway import KEY, Running, gemini_site
from google.genai import errors, types
from scripted_world import Tuned

pytestmark = pytest.mark.sdk

MODELS = {"gemini upstream": "gemini-3-flash", "openai upstream": "gpt-4o-mini", "anthropic upstream": "claude-haiku-5",
          "responses upstream": "gpt-5-mini"}
TOOLS = [types.Tool(function_declarations=[
    types.FunctionDeclaration(name=name, description=f"Does {name}.", parameters_json_schema={
        "type": "object", "properties": {"city": {"type": "string"}}, "required": []})
    for name in ("weather", "clock")])]
CALLS = 'call weather {"city": "Zürich"}; call clock {}'


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def stream(request):
    return request.param


class Whole:
    """The answers of a stream put together, with the members that tests look at."""

    def __init__(self, chunks):
        self.chunks = list(chunks)
        self.parts = [part for chunk in self.chunks for candidate in chunk.candidates or []
                      for part in (candidate.content and candidate.content.parts) or []]
        self.text = "".join(part.text or "" for part in self.parts if not part.thought)
        self.thoughts = "".join(part.text or "" for part in self.parts if part.thought)
        self.calls = [part.function_call for part in self.parts if part.function_call]
        reasons = [candidate.finish_reason for chunk in self.chunks for candidate in chunk.candidates or []]
        self.finish = next((reason.name for reason in reversed(reasons) if reason), None)
        self.usage = next((c.usage_metadata for c in reversed(self.chunks) if c.usage_metadata), None)
        self.versions = {chunk.model_version for chunk in self.chunks}


def generate(gateway, stream, version=None, **arguments):
    models = gateway.gemini(version=version).models
    if stream:
        return Whole(models.generate_content_stream(**arguments))
    return Whole([models.generate_content(**arguments)])


class TestGenerate:
    @pytest.mark.parametrize("version", ["v1", "v1beta"])
    def test_both_versions_of_the_api(self, gateway, model, stream, version):
        assert generate(gateway, stream, version, model=f"models/{model}", contents="say ok").text == "ok"

    def test_results_without_ids_find_their_calls(self, gateway, model, stream):
        history = [
            {"role": "user", "parts": [{"text": CALLS}]},
            {"role": "model", "parts": [
                {"function_call": {"name": "weather", "args": {"city": "Zürich"}},
                 "thought_signature": b"skip_thought_signature_validator"},
                {"function_call": {"name": "clock", "args": {}}}]},
            {"role": "user", "parts": [
                {"function_response": {"name": "weather", "response": {"degrees": 20}}},
                {"function_response": {"name": "clock", "response": {"result": "noon"}}}]}]
        history[1]["parts"][0].pop("thought_signature")
        if model.startswith("gemini"):
            history[1]["parts"][0]["thought_signature"] = b"sig-1"
        answer = generate(gateway, stream, model=model, contents=history, config={"tools": TOOLS})
        assert answer.text == "the tool said noon"

    def test_a_chat_keeps_its_own_history(self, gateway, model, stream):
        chat = gateway.gemini().chats.create(model=model)
        send = (lambda text: Whole(chat.send_message_stream(text))) if stream else (
            lambda text: Whole([chat.send_message(text)]))
        assert send("say one two three four").text == "one two three four"
        assert send("say five").text == "five"

    def test_automatic_calls(self, gateway, model):
        asked = []

        def weather(city: str) -> str:
            """Tells the weather of a city."""
            asked.append(city)
            return f"sunny in {city}"

        answer = gateway.gemini().models.generate_content(
            model=model, contents='call weather {"city": "Oslo"}', config={"tools": [weather]})
        assert asked == ["Oslo"]
        assert answer.text == "the tool said sunny in Oslo"

    def test_thoughts_come_only_when_asked_for(self, gateway, model, stream):
        answer = generate(gateway, stream, model=model, contents="think it over twice then say done", config={
            "thinking_config": {"thinking_budget": 2048}})
        assert (answer.text, answer.thoughts) == ("done", "")

    def test_structured_output_with_the_older_schema(self, gateway, model, stream):
        answer = generate(gateway, stream, model=model, contents='say {"city": null}', config={
            "response_mime_type": "application/json", "response_schema": types.Schema(
                type="OBJECT", properties={"city": types.Schema(type="STRING", nullable=True)}, required=["city"])})
        assert json.loads(answer.text) == {"city": None}

    def test_system_and_sampling(self, gateway, model, stream):
        answer = generate(gateway, stream, model=model, contents="say ok", config={
            "system_instruction": "Be brief.", "temperature": 0.3, "top_p": 0.9, "top_k": 40, "stop_sequences": ["END"],
            "max_output_tokens": 3000,
            "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]})
        assert answer.text == "ok"

    def test_alias_is_echoed(self, gateway, stream):
        for alias in ("gemini-pro", "gpt-4o", "claude-sonnet", "gpt-5"):
            assert generate(gateway, stream, model=alias, contents="say hi").versions == {alias}

    def test_embedded_thought_of_claude_returns_to_claude(self, gateway, stream, anthropic_upstream):
        config = {"tools": TOOLS, "automatic_function_calling": {"disable": True},
                  "thinking_config": {"include_thoughts": True, "thinking_budget": 2048}}
        question = 'think hard then call clock {}'
        first = generate(gateway, stream, model="claude-haiku-5", contents=question, config=config)
        history = [types.Content(role="user", parts=[types.Part(text=question)]),
                   *(types.Content(role="model", parts=[part]) for part in first.parts),
                   types.Content(role="user", parts=[types.Part(function_response=types.FunctionResponse(
                       id=first.calls[0].id, name="clock", response={"output": "noon"}))])]
        generate(gateway, stream, model="claude-haiku-5", contents=history, config=config)
        blocks = anthropic_upstream.records.last()[1]["messages"][1]["content"]
        kinds = [block["type"] for block in blocks]
        assert kinds == ["thinking", "tool_use"]
        assert blocks[0]["thinking"] == "hard" and blocks[0]["signature"].startswith("sig-")


class TestSignatures:
    """What Gemini signed comes back to it through clients of every format."""

    def test_through_an_openai_client(self, gateway, stream, gemini_upstream):
        tools = [{"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}]
        client = gateway.openai()
        question = [{"role": "user", "content": "call clock {}"}]
        if stream:
            with client.chat.completions.stream(model="gemini-3-flash", messages=question, tools=tools) as events:
                message = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(
                model="gemini-3-flash", messages=question, tools=tools).choices[0].message
        history = [*question, message.model_dump(exclude_none=True, exclude={"parsed"}),
                   {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "noon"}]
        client.chat.completions.create(model="gemini-3-flash", messages=history, tools=tools)
        self.assert_own_signature(gemini_upstream)

    def test_through_an_anthropic_client(self, gateway, stream, gemini_upstream):
        tools = [{"name": "clock", "input_schema": {"type": "object", "properties": {}}}]
        client = gateway.anthropic()
        question = [{"role": "user", "content": "call clock {}"}]
        arguments = {"model": "gemini-3-flash", "messages": question, "tools": tools, "max_tokens": 3000}
        if stream:
            with client.messages.stream(**arguments) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**arguments)
        call = next(block for block in message.content if block.type == "tool_use")
        history = [*question, {"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in message.content]},
                   {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "noon"}]}]
        client.messages.create(**{**arguments, "messages": history})
        self.assert_own_signature(gemini_upstream)

    def test_through_a_responses_client(self, gateway, stream, gemini_upstream):
        tools = [{"type": "function", "name": "clock", "strict": False,
                  "parameters": {"type": "object", "properties": {}}}]
        client = gateway.openai()
        question = [{"role": "user", "content": "call clock {}"}]
        arguments = {"model": "gemini-3-flash", "tools": tools, "store": False, "include": ["reasoning.encrypted_content"]}
        if stream:
            with client.responses.stream(input=question, **arguments) as events:
                response = events.get_final_response()
        else:
            response = client.responses.create(input=question, **arguments)
        call = next(item for item in response.output if item.type == "function_call")
        history = [*question, *(item.model_dump(exclude_none=True) for item in response.output),
                   {"type": "function_call_output", "call_id": call.call_id, "output": "noon"}]
        for item in history:
            item.pop("status", None)
            item.pop("parsed_arguments", None)
        client.responses.create(input=history, **arguments)
        self.assert_own_signature(gemini_upstream)

    @staticmethod
    def assert_own_signature(upstream):
        contents = upstream.records.last()[1]["contents"]
        assert len(contents) == 3
        part = contents[1]["parts"][0]
        assert part["functionCall"]["name"] == "clock"
        assert base64.b64decode(part["thoughtSignature"]).startswith(b"sig-")


class TestArrays:
    """Without `alt=sse` a stream is one JSON array."""

    def ask(self, gateway, model, text, path="v1beta"):
        return httpx.post(
            f"{gateway.url}/{path}/models/{model}:streamGenerateContent", headers={"x-goog-api-key": KEY},
            json={"contents": [{"role": "user", "parts": [{"text": text}]}]}, timeout=20)

    @pytest.mark.parametrize("path", ["v1beta", "v1"])
    def test_array(self, gateway, model, path):
        answer = self.ask(gateway, model, "say one two three four", path)
        assert answer.headers["content-type"] == "application/json"
        elements = answer.json()
        text = "".join(part.get("text", "") for element in elements for candidate in element["candidates"]
                       for part in candidate["content"]["parts"])
        assert text == "one two three four"
        assert elements[-1]["candidates"][0]["finishReason"] == "STOP"
        assert len(elements) > 2

    def test_error_is_a_document(self, gateway):
        answer = self.ask(gateway, "nothing", "say hi")
        assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")

    def test_upstream_that_answers_an_array(self, tmp_path):
        upstream = GeminiUpstream(array=True)
        running = Running(tmp_path, gemini_site(upstream.url))
        try:
            answer = generate(running, True, model="gemini-3-flash", contents="say one\ntwo")
            assert (answer.text, answer.finish) == ("one\ntwo", "STOP")
            chunks = running.openai().chat.completions.create(
                model="gemini-3-flash", messages=[{"role": "user", "content": "say hi"}], stream=True)
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "hi"
        finally:
            running.stop()
            upstream.stop()


class TestErrors:
    def test_wrong_key(self, gateway):
        with pytest.raises(errors.ClientError) as caught:
            gateway.gemini(key="sk-wrong-1234567").models.generate_content(model="gpt-4o-mini", contents="hi")
        assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")

    def test_unknown_model(self, gateway, stream):
        with pytest.raises(errors.ClientError) as caught:
            generate(gateway, stream, model="nothing", contents="hi")
        assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")

    def test_refused_request(self, gateway, model):
        with pytest.raises(errors.ClientError) as caught:
            generate(gateway, False, model=model, contents=[types.Content(role="user", parts=[])])
        assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")

    def test_blocked_prompt(self, gateway, stream):
        answer = generate(gateway, stream, model="gemini-3-flash", contents="forbidden words")
        assert answer.chunks[-1].prompt_feedback.block_reason.name == "PROHIBITED_CONTENT"
        refused = gateway.openai().chat.completions.create(
            model="gemini-3-flash", messages=[{"role": "user", "content": "forbidden words"}])
        assert refused.choices[0].finish_reason == "content_filter"

    def test_key_in_the_query_stays_here(self, gateway, gemini_upstream):
        url = f"{gateway.url}/v1beta/models/gemini-3-flash:generateContent"
        body = {"contents": [{"parts": [{"text": "say ok"}]}]}
        answer = httpx.post(url, params={"key": KEY}, json=body)
        assert answer.json()["candidates"][0]["content"]["parts"][0]["text"] == "ok"
        request = gemini_upstream.records.last()[0]
        assert KEY not in request.query + str(request.headers)
        assert KEY not in gateway.gateway.log.read_text()
        assert httpx.post(url, params={"key": "wrong"}, json=body).status_code == 401
        assert httpx.post(f"{gateway.url}/v1/chat/completions", params={"key": KEY}, json={}).status_code == 401

    def test_bytes_of_the_body_are_untouched(self, gateway, gemini_upstream):
        body = ('{ "system_instruction" : {"parts":{"text":"x"}},\n "contents":[{"parts":[{"text":"say \\u0041 1"}]}],'
                '"generationConfig":{"temperature":1.0} }').replace('{"text":"x"}}', '[{"text":"x"}]}')
        body = body.replace("system_instruction", "systemInstruction")
        answer = httpx.post(
            f"{gateway.url}/v1beta/models/gemini-3-flash:generateContent", content=body.encode(),
            headers={"x-goog-api-key": KEY, "content-type": "application/json"})
        assert answer.json()["candidates"][0]["content"]["parts"][0]["text"] == "A 1"
        assert gemini_upstream.records.last()[0].body.decode() == body


class TestOtherMethods:
    def test_tokens_counted_by_the_upstream(self, gateway):
        assert gateway.gemini().models.count_tokens(model="gemini-3-flash", contents="hello").total_tokens == 31

    @pytest.mark.parametrize("model", ["gpt-4o-mini", "claude-haiku-5"])
    def test_estimated_tokens_say_so(self, gateway, model):
        answer = gateway.gemini().models.count_tokens(model=model, contents="four words of text")
        assert 2 <= answer.total_tokens <= 8
        raw = httpx.post(
            f"{gateway.url}/v1beta/models/{model}:countTokens", headers={"x-goog-api-key": KEY},
            json={"contents": [{"parts": [{"text": "hello"}]}]})
        assert raw.headers["x-patchbay-warnings"] == "usage.estimated;info"

    @pytest.mark.parametrize("model", ["gemini-3-flash", "gemini-pro"])
    def test_embeddings(self, gateway, model):
        answer = gateway.gemini().models.embed_content(model=model, contents="abc")
        assert [vector.values for vector in answer.embeddings] == [[0.5, 3]]
        batch = httpx.post(
            f"{gateway.url}/v1beta/models/{model}:batchEmbedContents", headers={"x-goog-api-key": KEY},
            json={"requests": [{"model": f"models/{model}", "content": {"parts": [{"text": text}]}}
                               for text in ("abc", "hello")]})
        assert [vector["values"] for vector in batch.json()["embeddings"]] == [[0.5, 3], [0.5, 5]]
        single = httpx.post(
            f"{gateway.url}/v1beta/models/{model}:embedContent", headers={"x-goog-api-key": KEY},
            json={"model": f"models/{model}", "content": {"parts": [{"text": "abcd"}]}})
        assert single.json() == {"embedding": {"values": [0.5, 4.0]}}

    def test_embeddings_of_another_format_are_refused(self, gateway):
        with pytest.raises(errors.APIError) as caught:
            gateway.gemini().models.embed_content(model="gpt-4o-mini", contents="abc")
        assert caught.value.code == 501 and "embeddings" in caught.value.message

    def test_model_entries_in_three_dialects(self, gateway):
        assert gateway.openai().models.retrieve("gemini-3-flash").id == "gemini-3-flash"
        assert gateway.anthropic().models.retrieve("gemini-3-flash").display_name == "gemini-3-flash"
        assert gateway.gemini().models.get(model="gpt-4o-mini").name == "models/gpt-4o-mini"

    @pytest.mark.parametrize("version", ["v1", "v1beta"])
    def test_model_list(self, gateway, version):
        client = gateway.gemini(version=version)
        names = [entry.name for entry in client.models.list()]
        assert {f"models/{name}" for name in MODELS.values()} <= set(names)
        assert client.models.get(model="claude-haiku-5").display_name == "claude-haiku-5"
        with pytest.raises(errors.ClientError):
            client.models.get(model="nothing")


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def frame(*parts, **candidate):
    return b"data: " + json.dumps({"candidates": [
        {"content": {"role": "model", "parts": list(parts)}, "index": 0, **candidate}],
        "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7}, "modelVersion": "g"}).encode() + b"\r\n\r\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    upstream = ScriptedUpstream()
    names = [f"{name}-{who}" for name in CUTS for who in ("gemini", "array", "openai", "anthropic")]
    names += ["safety", "quota"]
    sites = "".join(f"""  - name: {name}
    platform: gemini
    base_url: {upstream.url(name)}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: AIza-scripted }}, models: [{name}] }} ]
""" for name in names)
    running = Running(tmp_path_factory.mktemp("scripted"), sites)
    yield running, upstream
    running.stop()
    upstream.stop()


TEXTS = [frame({"text": "one "}), frame({"text": "two "}), frame({"text": "three"})]
CUTS = {
    "mid": [*map(chunk, TEXTS[:2]), chunk(TEXTS[2][:40]), b"0\r\n\r\n"],
    "boundary": [*map(chunk, TEXTS), b"0\r\n\r\n"],
    "reset": [*map(chunk, TEXTS)],
    "told": [*map(chunk, TEXTS), chunk(b'data: {"error":{"code":503,"message":"boom","status":"UNAVAILABLE"}}\r\n\r\n'),
             b"0\r\n\r\n"],
}


class TestCutStreams:
    """A stream that breaks never looks like one that has ended."""

    @pytest.mark.parametrize("name", CUTS)
    def test_gemini_client(self, world, name):
        running, upstream = world
        name, script = f"{name}-gemini", CUTS[name]
        upstream.play(name, HEAD, *script, "close")
        seen = []
        with pytest.raises((errors.APIError, httpx.HTTPError)):
            for piece in running.gemini().models.generate_content_stream(model=name, contents="hi"):
                seen.append(piece)
        assert all(not candidate.finish_reason for piece in seen for candidate in piece.candidates or [])

    @pytest.mark.parametrize("name", CUTS)
    def test_array(self, world, name):
        running, upstream = world
        name, script = f"{name}-array", CUTS[name]
        upstream.play(name, HEAD, *script, "close")
        answer = httpx.post(
            f"{running.url}/v1beta/models/{name}:streamGenerateContent", headers={"x-goog-api-key": KEY},
            json={"contents": [{"parts": [{"text": "hi"}]}]})
        elements = answer.json()
        assert "error" in elements[-1] and elements[-1]["error"]["status"] in ("UNAVAILABLE", "INTERNAL")
        assert "finishReason" not in answer.text

    @pytest.mark.parametrize("name", CUTS)
    def test_openai_client(self, world, name):
        import openai
        running, upstream = world
        name, script = f"{name}-openai", CUTS[name]
        upstream.play(name, HEAD, *script, "close")
        with pytest.raises(openai.APIError):
            for piece in running.openai().chat.completions.create(
                    model=name, messages=[{"role": "user", "content": "hi"}], stream=True):
                assert not piece.choices or not piece.choices[0].finish_reason

    @pytest.mark.parametrize("name", CUTS)
    def test_anthropic_client(self, world, name):
        import anthropic
        running, upstream = world
        name, script = f"{name}-anthropic", CUTS[name]
        upstream.play(name, HEAD, *script, "close")
        with pytest.raises(anthropic.APIError):
            with running.anthropic().messages.stream(
                    model=name, messages=[{"role": "user", "content": "hi"}], max_tokens=100) as events:
                events.get_final_message()

    def test_a_safety_stop_keeps_the_text(self, world):
        running, upstream = world
        upstream.play("safety", HEAD, *map(chunk, [TEXTS[0], frame(finishReason="SAFETY")]), b"0\r\n\r\n", "close")
        answer = generate(running, True, model="safety", contents="hi")
        assert (answer.text, answer.finish) == ("one ", "SAFETY")
        pieces = list(running.openai().chat.completions.create(
            model="safety", messages=[{"role": "user", "content": "hi"}], stream=True))
        assert pieces[-1].choices[0].finish_reason == "content_filter"
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "one "

    def test_signs_of_life_are_skipped(self, tmp_path):
        upstream = ScriptedUpstream()
        upstream.play("slow", HEAD, 0.6, chunk(TEXTS[0]), 0.6, *map(chunk, [TEXTS[1], frame(finishReason="STOP")]),
                      b"0\r\n\r\n", "close")
        site = f"""  - name: slow
    platform: gemini
    base_url: {upstream.url("slow")}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: AIza-scripted }}, models: [slow] }} ]
"""
        running = Tuned(tmp_path, site, "", "timeouts: { heartbeat: 100ms }, ")
        try:
            assert generate(running, True, model="slow", contents="hi").text == "one two "
            answer = httpx.post(
                f"{running.url}/v1beta/models/slow:streamGenerateContent", headers={"x-goog-api-key": KEY},
                json={"contents": [{"parts": [{"text": "hi"}]}]})
            assert len(answer.json()) == 3 and answer.text.startswith("\r\n")
        finally:
            running.stop()
            upstream.stop()

    def test_a_limit_says_when_to_come_back(self, world):
        running, upstream = world
        body = json.dumps({"error": {
            "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota.",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13s"}]}}).encode()
        upstream.play("quota", b"HTTP/1.1 429 X\r\ncontent-type: application/json\r\ncontent-length: "
                      + str(len(body)).encode() + b"\r\n\r\n" + body, "close")
        with pytest.raises(errors.ClientError) as caught:
            generate(running, False, model="quota", contents="hi")
        assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
        assert caught.value.response.headers["retry-after"] == "13"
