"""An answer of the kind that the client did not ask for: a document for a stream, a stream for a document."""

import json

import anthropic
import httpx
import openai
import pytest
from fakes.frames import END, STREAM_HEAD, TEXT, Chat, Messages, chunk, document, stream
from fakes.scripted import HOLD, RESET
from gateway import KEY
from scripted_world import World

FORMATS = {"chat": Chat, "messages": Messages}
USER = [{"role": "user", "content": "hello"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {
    "city": {"type": "string"}}}}}]
ARGUMENTS = {"city": "Zürich", "days": 3}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("bridging"))
    yield world
    world.stop()


@pytest.fixture(params=FORMATS)
def format_name(request):
    return request.param


class Call:
    """A turn with reasoning, text and a call, as each format says it."""

    chat = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "upstream-name", "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "Let me look.", "reasoning_content": "They want the weather.",
            "tool_calls": [{"id": "call_a", "type": "function", "function": {
                "name": "weather", "arguments": json.dumps(ARGUMENTS)}}]}}], "usage": Chat.usage}
    chat_stream = [
        *Chat.begin, Chat.frame({"reasoning_content": "They want "}), Chat.frame({"reasoning_content": "the weather."}),
        Chat.frame({"content": "Let me look."}),
        Chat.frame({"tool_calls": [{"index": 0, "id": "call_a", "type": "function", "function": {
            "name": "weather", "arguments": ""}}]}),
        *(Chat.frame({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
          for piece in (json.dumps(ARGUMENTS)[:9], json.dumps(ARGUMENTS)[9:])),
        Chat.frame({}, "tool_calls"), Chat.frame(None, usage=Chat.usage), b"data: [DONE]\n\n"]
    messages = {**Messages.whole, "stop_reason": "tool_use", "content": [
        {"type": "thinking", "thinking": "They want the weather.", "signature": "sig-1"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "call_a", "name": "weather", "input": ARGUMENTS}]}
    messages_stream = [
        Messages.begin[0],
        Messages.frame("content_block_start", index=0, content_block={
            "type": "thinking", "thinking": "", "signature": ""}),
        Messages.frame("content_block_delta", index=0, delta={
            "type": "thinking_delta", "thinking": "They want the weather."}),
        Messages.frame("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "sig-1"}),
        Messages.frame("content_block_stop", index=0),
        Messages.frame("content_block_start", index=1, content_block={"type": "text", "text": ""}),
        Messages.frame("content_block_delta", index=1, delta={"type": "text_delta", "text": "Let me look."}),
        Messages.frame("content_block_stop", index=1),
        Messages.frame("content_block_start", index=2, content_block={
            "type": "tool_use", "id": "call_a", "name": "weather", "input": {}}),
        *(Messages.frame("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": piece})
          for piece in (json.dumps(ARGUMENTS)[:9], json.dumps(ARGUMENTS)[9:])),
        Messages.frame("content_block_stop", index=2),
        Messages.frame("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None},
                       usage={"output_tokens": 3}),
        Messages.frame("message_stop")]
    documents = {"chat": chat, "messages": messages}
    streams = {"chat": chat_stream, "messages": messages_stream}


class OpenAIClient:
    error = openai.APIError

    def __init__(self, running):
        self.client = running.openai()

    def stream(self, model):
        with self.client.chat.completions.stream(
                model=model, messages=USER, tools=TOOLS, stream_options={"include_usage": True}) as events:
            for _ in events:
                pass
            return self.read(events.get_final_completion())

    def whole(self, model):
        return self.read(self.client.chat.completions.create(model=model, messages=USER, tools=TOOLS))

    @staticmethod
    def read(answer):
        message = answer.choices[0].message
        calls = [(call.id, call.function.name, json.loads(call.function.arguments))
                 for call in message.tool_calls or []]
        return {"text": message.content, "calls": calls, "model": answer.model, "finish": answer.choices[0].finish_reason,
                "reasoning": getattr(message, "reasoning_content", None), "input": answer.usage.prompt_tokens,
                "output": answer.usage.completion_tokens}


class AnthropicClient:
    error = anthropic.APIError

    def __init__(self, running):
        self.client = running.anthropic()
        self.options = {"max_tokens": 100, "messages": USER, "tools": [
            {"name": "weather", "input_schema": TOOLS[0]["function"]["parameters"]}]}

    def stream(self, model):
        with self.client.messages.stream(model=model, **self.options) as events:
            return self.read(events.get_final_message())

    def whole(self, model):
        return self.read(self.client.messages.create(model=model, **self.options))

    @staticmethod
    def read(message):
        by_kind = {kind: [block for block in message.content if block.type == kind]
                   for kind in ("text", "thinking", "tool_use")}
        return {"text": "".join(block.text for block in by_kind["text"]), "model": message.model,
                "calls": [(block.id, block.name, block.input) for block in by_kind["tool_use"]],
                "reasoning": "".join(block.thinking for block in by_kind["thinking"]) or None,
                "finish": {"end_turn": "stop", "tool_use": "tool_calls"}[message.stop_reason],
                "input": message.usage.input_tokens, "output": message.usage.output_tokens}


CLIENTS = {"openai": OpenAIClient, "anthropic": AnthropicClient}


@pytest.fixture(params=CLIENTS)
def client(request, world):
    return CLIENTS[request.param](world.running)


def check(answer, model, row):
    assert answer == {
        "text": "Let me look.", "calls": [("call_a", "weather", ARGUMENTS)], "model": model, "finish": "tool_calls",
        "reasoning": "They want the weather.", "input": 7, "output": 3}
    assert (row["outcome"], row["status"], row["attempts"]) == ("completed", 200, 1)
    assert (row["input_tokens"], row["output_tokens"]) == (7, 3)


# E-9, E-30
def test_a_document_becomes_the_stream_that_was_asked_for(world, client, format_name):
    name = world.fresh(format_name)
    world.upstream.play(name, document(Call.documents[format_name]))
    answer = client.stream(f"model-{name}")
    row = world.last_row(f"model-{name}")
    check(answer, f"model-{name}", row)
    assert row["stream"] is True


def test_a_stream_becomes_the_document_that_was_asked_for(world, client, format_name):
    name = world.fresh(format_name)
    world.upstream.play(name, stream(Call.streams[format_name]))
    answer = client.whole(f"model-{name}")
    row = world.last_row(f"model-{name}")
    check(answer, f"model-{name}", row)
    assert row["stream"] is False


FOLDED = {
    "byte by byte": lambda frames: [stream(frames)[place:place + 1] for place in range(len(stream(frames)))],
    "without a content type": lambda frames: [b"HTTP/1.1 200 OK\r\n\r\n" + b"".join(frames)],
    "announced as JSON": lambda frames: [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b"".join(frames)],
    "connection stays open": lambda frames: [stream(frames, end=b""), HOLD],
    "reset after the end": lambda frames: [stream(frames, end=b""), 0.05, RESET],
}


# E-10
@pytest.mark.parametrize("variant", FOLDED)
def test_a_peculiar_stream_is_folded(world, client, format_name, variant):
    name = world.fresh(format_name)
    world.upstream.play(name, *FOLDED[variant](Call.streams[format_name]))
    check(client.whole(f"model-{name}"), f"model-{name}", world.last_row(f"model-{name}"))


CUT = {
    "at a frame boundary": lambda frames: [END],
    "connection closed": lambda frames: [],
    "connection reset": lambda frames: [0.02, RESET],
    "in a frame": lambda frames: [chunk(frames[-4][:-20]), END],
    "by an error event": lambda frames: [],
}


@pytest.mark.parametrize("cut", CUT)
def test_a_cut_stream_never_becomes_a_document(world, client, format_name, cut):
    name, frames = world.fresh(format_name), Call.streams[format_name]
    opening = STREAM_HEAD + b"".join(chunk(frame) for frame in frames[:-4])
    ending = [chunk(FORMATS[format_name].error), END] if "error" in cut else CUT[cut](frames)
    world.upstream.play(name, opening, *ending)
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        client.whole(f"model-{name}")
    assert caught.value.status_code in (502, 503)
    assert world.last_row(f"model-{name}")["outcome"] == "failed"


@pytest.mark.parametrize("whole", [True, False], ids=["document", "stream"])
def test_a_bad_answer_of_the_other_kind_is_tried_elsewhere(world, whole):
    client, name = OpenAIClient(world.running), world.fresh("chat")
    if whole:
        world.upstream.play(name, STREAM_HEAD + chunk(b"".join(Call.chat_stream[:4])) + END)
        world.upstream.play("spare", document(Chat.whole))
        answer = client.whole(f"spared-{name}")
    else:
        world.upstream.play(name, document(b'{"choices":"none"}'))
        world.upstream.play("spare", stream(Chat.begin + Chat.content + Chat.end))
        answer = client.stream(f"spared-{name}")
    assert answer["text"] == TEXT
    row = world.last_row(f"spared-{name}")
    assert (row["outcome"], row["site"], row["attempts"]) == ("completed", "spare", 2)


def test_usage_in_the_stream_is_for_those_who_asked(world):
    name = world.fresh("chat")
    world.upstream.play(name, document(Call.chat))
    answer = httpx.post(f"{world.running.url}/v1/chat/completions", headers={"authorization": f"Bearer {KEY}"},
                        json={"model": f"model-{name}", "messages": USER, "stream": True})
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/event-stream"
    assert answer.text.endswith("data: [DONE]\n\n") and '"usage"' not in answer.text
    assert world.last_row(f"model-{name}")["input_tokens"] == 7


def test_a_folded_document_says_what_it_is(world, format_name):
    name = world.fresh(format_name)
    world.upstream.play(name, stream(Call.streams[format_name]))
    path = {"chat": "chat/completions", "messages": "messages"}[format_name]
    with httpx.Client(base_url=world.running.url, headers={"authorization": f"Bearer {KEY}"}) as client:
        for _ in range(2):
            answer = client.post(f"/v1/{path}", json={"model": f"model-{name}", "messages": USER, "max_tokens": 9})
            assert answer.status_code == 200
            assert answer.headers.get_list("content-type") == ["application/json"]
            assert answer.json()["model"] == f"model-{name}"


class TestOtherClients:
    """Clients of Responses and Gemini, against upstreams that answer in the other way."""

    def ask(self, world, model, client, stream):
        headers = {"authorization": f"Bearer {KEY}"}
        if client == "responses":
            return httpx.post(f"{world.running.url}/v1/responses", headers=headers, json={
                "model": model, "input": "hello", "stream": stream, "store": False})
        method = {"gemini": ":streamGenerateContent?alt=sse", "gemini array": ":streamGenerateContent"}[client]
        return httpx.post(
            f"{world.running.url}/v1beta/models/{model}{method if stream else ':generateContent'}", headers=headers,
            json={"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})

    def read(self, answer, client, stream):
        """The text, the calls and whether the answer ended as its format says."""
        frames = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]
        if client == "responses":
            whole = frames[-1]["response"] if stream else answer.json()
            items = {kind: [item for item in whole["output"] if item["type"] == kind]
                     for kind in ("message", "function_call")}
            text = "".join(part["text"] for item in items["message"] for part in item["content"])
            calls = [(item["name"], json.loads(item["arguments"])) for item in items["function_call"]]
            return text, calls, whole["status"] == "completed"
        chunks = answer.json() if client == "gemini array" and stream else frames if stream else [answer.json()]
        parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"].get("parts", ())]
        text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
        calls = [(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part]
        return text, calls, chunks[-1]["candidates"][0].get("finishReason") == "STOP"

    @pytest.mark.parametrize("client", ["responses", "gemini", "gemini array"])
    @pytest.mark.parametrize("stream_wanted", [True, False], ids=["document to stream", "stream to document"])
    def test_they_get_what_they_asked_for(self, world, format_name, client, stream_wanted):
        name = world.fresh(format_name)
        world.upstream.play(name, document(Call.documents[format_name]) if stream_wanted else stream(
            Call.streams[format_name]))
        answer = self.ask(world, f"model-{name}", client, stream_wanted)
        assert answer.status_code == 200, answer.text
        expected = "application/json" if not stream_wanted or client == "gemini array" else "text/event-stream"
        assert answer.headers["content-type"].split(";")[0] == expected
        assert self.read(answer, client, stream_wanted) == ("Let me look.", [("weather", ARGUMENTS)], True)
        row = world.last_row(f"model-{name}")
        assert (row["outcome"], row["input_tokens"], row["output_tokens"]) == ("completed", 7, 3)

    @pytest.mark.parametrize("client", ["responses", "gemini"])
    def test_a_cut_stream_is_an_error_to_them_too(self, world, client):
        name = world.fresh("chat")
        world.upstream.play(name, STREAM_HEAD + b"".join(chunk(frame) for frame in Call.chat_stream[:5]) + END)
        answer = self.ask(world, f"model-{name}", client, False)
        assert answer.status_code == 502 and "error" in answer.json()


class TestStopSequences:
    """An upstream that speaks Responses has none; the gateway ends the answer."""

    def response(self, text):
        return {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "error": None,
                "incomplete_details": None, "instructions": None, "metadata": {}, "model": "m", "output": [{
                    "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [{
                        "type": "output_text", "text": text, "annotations": [], "logprobs": []}]}],
                "parallel_tool_calls": True, "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
                "usage": {"input_tokens": 7, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 3,
                          "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 10}}

    def frames(self, text):
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        started = {**self.response(""), "status": "in_progress", "output": [], "usage": None}
        events = [("response.created", {"response": started}),
                  ("response.output_item.added", {"output_index": 0, "item": item}),
                  ("response.content_part.added", {**where, "part": part})]
        events += [("response.output_text.delta", {**where, "delta": piece, "logprobs": []})
                   for piece in (text[place:place + 3] for place in range(0, len(text), 3))]
        events += [("response.output_text.done", {**where, "text": text, "logprobs": []}),
                   ("response.completed", {"response": self.response(text)})]
        return [f"event: {kind}\ndata: ".encode() + json.dumps(
            {"type": kind, "sequence_number": number, **members}).encode() + b"\n\n"
            for number, (kind, members) in enumerate(events)]

    @pytest.fixture(scope="class")
    def site(self, tmp_path_factory):
        from fakes.scripted import ScriptedUpstream
        from gateway import Running
        upstream = ScriptedUpstream()
        running = Running(tmp_path_factory.mktemp("stops"), f"""  - name: only
    platform: openai
    base_url: {upstream.url("only")}
    formats: [openai.responses]
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-scripted-1 }}, models: [m] }} ]
""")
        yield upstream, running
        running.stop()
        upstream.stop()

    @pytest.mark.parametrize("wanted", ["document", "stream"])
    @pytest.mark.parametrize("given", ["document", "stream"])
    def test_the_answer_ends_before_the_stop_sequence(self, site, wanted, given):
        upstream, running = site
        text = "One two STOP three"
        upstream.play("only", document(self.response(text)) if given == "document" else stream(self.frames(text)))
        client = running.openai()
        if wanted == "document":
            answer = client.chat.completions.create(model="m", messages=USER, stop=["STOP", "never"])
            content, finish = answer.choices[0].message.content, answer.choices[0].finish_reason
        else:
            with client.chat.completions.stream(model="m", messages=USER, stop=["STOP", "never"]) as events:
                answer = events.get_final_completion()
            content, finish = answer.choices[0].message.content, answer.choices[0].finish_reason
        assert (content, finish) == ("One two ", "stop")

    def test_strictness_has_nothing_against_it(self, site):
        upstream, running = site
        upstream.play("only", document(self.response("hello")))
        answer = httpx.post(f"{running.url}/v1/chat/completions", headers={
            "authorization": f"Bearer {KEY}", "x-patchbay-strict": "true"}, json={
                "model": "m", "messages": USER, "stop": "END"})
        assert answer.status_code == 200 and "sampling.stop;info" in answer.headers["x-patchbay-warnings"]
