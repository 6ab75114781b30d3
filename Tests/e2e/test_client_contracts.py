"""Clients that do not run here, replayed: what they send (Tests/corpus/clients), raw, and what they need in the answer."""

import json

import httpx
import pytest
from dialects import MODELS
from gateway import KEY, ROOT

CORPUS = ROOT / "Tests/corpus/clients"


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def filled(value, replacements):
    """The document with every `$NAME` replaced, a text inside of texts and a whole value by what it stands for."""
    if isinstance(value, dict):
        return {name: filled(member, replacements) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(member, replacements) for member in value]
    if isinstance(value, str):
        if value[1:] in replacements and value.startswith("$"):
            return replacements[value[1:]]
        for name, text in replacements.items():
            if isinstance(text, str):
                value = value.replace(f"${name}", text)
    return value


class Replay:
    """One client's requests."""

    def __init__(self, gateway, name):
        self.url = gateway.url
        self.document = json.loads((CORPUS / f"{name}.json").read_text())

    def send(self, request, **replacements):
        """Returns the answer and the bytes that were sent."""
        found = filled(self.document["requests"][request], {"KEY": KEY, **replacements})
        body = json.dumps(found["body"], ensure_ascii=False, indent=1).encode() if "body" in found else b""
        headers = {"accept-encoding": "identity", **found["headers"]}
        answer = httpx.request(found["method"], self.url + found["target"], headers=headers, content=body, timeout=20)
        return answer, body


def frames(answer):
    """The events of a stream as (name, document) pairs, each frame in the one shape that all clients read."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for frame in answer.text.replace("\r\n", "\n").rstrip("\n").split("\n\n"):
        name, data = None, None
        for line in frame.split("\n"):
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                assert data is None
                data = line[6:]
            else:
                assert line.startswith(":"), frame
        if data is not None:
            found.append((name, data if data == "[DONE]" else json.loads(data)))
    return found


def chat_text(events):
    assert all(name is None for name, _ in events) and events[-1][1] == "[DONE]"
    chunks = [data for _, data in events[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"} and len({c["id"] for c in chunks}) == 1
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]
    assert len(reasons) == 1
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["total_tokens"] > 0
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    return text, reasons[0]


def message_of(events):
    """Puts a Messages stream together as strictly as Claude Code does."""
    blocks, open_block, stop = [], None, None
    kinds = [name for name, _ in events if name != "ping"]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop" and kinds.count("message_start") == 1
    for name, data in events:
        assert data["type"] == name
        if name == "content_block_start":
            assert open_block is None and data["index"] == len(blocks)
            open_block = data["index"]
            blocks.append({**data["content_block"], "json": ""})
        elif name == "content_block_delta":
            assert data["index"] == open_block
            delta = data["delta"]
            field = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature",
                     "input_json_delta": "partial_json"}[delta["type"]]
            place = "json" if field == "partial_json" else field
            blocks[-1][place] = blocks[-1].get(place, "") + delta[field]
        elif name == "content_block_stop":
            assert data["index"] == open_block
            open_block = None
        elif name == "message_delta":
            assert open_block is None and data["usage"]["output_tokens"] > 0
            stop = data["delta"]["stop_reason"]
    return blocks, stop


class TestClaudeCode:
    @pytest.fixture
    def client(self, gateway):
        return Replay(gateway, "claude-code")

    def test_tool_and_its_result(self, client, model):
        answer, body = client.send("turn", MODEL=model, PROMPT='call Bash {"command": "ls"}')
        blocks, stop = message_of(frames(answer))
        assert answer.headers["request-id"]
        assert stop == "tool_use"
        call = blocks[-1]
        assert (call["type"], call["name"], json.loads(call["json"])) == ("tool_use", "Bash", {"command": "ls"})
        follow = json.loads(body)
        follow["messages"] += [
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": call["id"], "name": "Bash", "input": {"command": "ls"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": call["id"], "content": "README.md", "is_error": False,
                 "cache_control": {"type": "ephemeral"}}]}]
        client.document["requests"]["follow"] = {**client.document["requests"]["turn"], "body": follow}
        answer, _ = client.send("follow", MODEL=model)
        blocks, stop = message_of(frames(answer))
        assert (blocks[-1]["text"], stop) == ("the tool said README.md", "end_turn")

    def test_bytes_betas_and_version_arrive_as_sent(self, client, anthropic_upstream):
        answer, body = client.send("turn", MODEL="claude-haiku-5", PROMPT="say ok")
        assert message_of(frames(answer))[0][-1]["text"] == "ok"
        request, _ = anthropic_upstream.records.last()
        sent = client.document["requests"]["turn"]["headers"]
        assert request.body == body
        for name in ("anthropic-beta", "anthropic-version"):
            assert request.headers[name] == sent[name]
        assert KEY not in str(request.headers)

    def test_pings_are_relayed(self, client):
        answer, _ = client.send("turn", MODEL="claude-haiku-5", PROMPT="say ok")
        assert "ping" in [name for name, _ in frames(answer)]

    def test_the_upstreams_own_words_of_refusal_arrive(self, client):
        client.document["requests"]["turn"]["body"]["no_such_member"] = 1
        answer, _ = client.send("turn", MODEL="claude-haiku-5", PROMPT="say ok")
        assert (answer.status_code, answer.json()["type"]) == (400, "error")
        assert answer.json()["error"] == {
            "type": "invalid_request_error", "message": "body.no_such_member is unknown"}

    def test_discovery(self, client):
        answer, _ = client.send("discovery")
        document = answer.json()
        assert {entry["id"] for entry in document["data"]} >= set(MODELS.values())
        assert all(entry["type"] == "model" and entry["display_name"] for entry in document["data"])
        assert document["has_more"] is False and document["first_id"] == document["data"][0]["id"]

    def test_count(self, client, model):
        """It needs a number before each turn, or it would pay for a call to learn one."""
        answer, _ = client.send("count", MODEL=model, PROMPT="four words of text")
        assert answer.status_code == 200 and answer.json()["input_tokens"] > 1
        assert (answer.json()["input_tokens"] == 31) == (model == "claude-haiku-5")

    def test_probe(self, client):
        answer, _ = client.send("probe")
        assert answer.status_code in (200, 404) and answer.content == b""


class TestCodex:
    @pytest.fixture
    def client(self, gateway):
        return Replay(gateway, "codex")

    def turn(self, client, model, items):
        events = frames(client.send("turn", MODEL=model, INPUT=[*client.document["opening"], *items])[0])
        assert all(name == data["type"] for name, data in events)
        assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
        name, last = events[-1]
        assert name == "response.completed"
        assert last["response"]["id"] and last["response"]["usage"]["total_tokens"] > 0
        return [data["item"] for name, data in events if name == "response.output_item.done"], events

    @staticmethod
    def user(text):
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}

    def test_function_and_its_result(self, client, model):
        question = self.user('call shell {"command": ["ls"]}')
        items, _ = self.turn(client, model, [question])
        call = items[-1]
        assert (call["type"], call["name"], json.loads(call["arguments"])) == (
            "function_call", "shell", {"command": ["ls"]})
        items, _ = self.turn(client, model, [question, *items, {
            "type": "function_call_output", "call_id": call["call_id"], "output": "README.md"}])
        assert items[-1]["content"][0]["text"] == "the tool said README.md"

    def test_a_tool_that_takes_free_text(self, client, model):
        question = self.user('call apply_patch {"input": "*** Begin Patch"}')
        items, events = self.turn(client, model, [question])
        assert (items[-1]["type"], items[-1]["name"], items[-1]["input"]) == (
            "custom_tool_call", "apply_patch", "*** Begin Patch")
        assert "response.custom_tool_call_input.done" in [name for name, _ in events]
        items, _ = self.turn(client, model, [question, *items, {
            "type": "custom_tool_call_output", "call_id": items[-1]["call_id"], "output": "patched"}])
        assert items[-1]["content"][0]["text"] == "the tool said patched"

    def test_reasoning_comes_back(self, client, model):
        question = self.user("think it over then say done")
        items, _ = self.turn(client, model, [question])
        assert [item["type"] for item in items] == ["reasoning", "message"]
        items, _ = self.turn(client, model, [question, *items, self.user("say again")])
        assert items[-1]["content"][0]["text"] == "again"

    def test_the_catalogue(self, client):
        """Every member that its parser demands, in any of its versions."""
        answer, _ = client.send("catalogue")
        assert answer.status_code == 200
        entries = {entry["slug"]: entry for entry in answer.json()["models"]}
        assert set(entries) >= set(MODELS.values())
        for entry in entries.values():
            assert entry["display_name"] and entry["base_instructions"]
            assert (entry["shell_type"], entry["visibility"], entry["supported_in_api"]) == ("default", "list", True)
            assert entry["truncation_policy"] == {"mode": "bytes", "limit": 10_000}
            for name in ("supports_reasoning_summaries", "support_verbosity", "supports_parallel_tool_calls"):
                assert isinstance(entry[name], bool)
            for name in ("supported_reasoning_levels", "experimental_supported_tools", "minimal_client_version"):
                assert isinstance(entry[name], list)
        assert [entry["priority"] for entry in answer.json()["models"]] == list(range(len(entries)))

    def test_others_get_the_list(self, client):
        document = httpx.get(f"{client.url}/v1/models", headers={"authorization": f"Bearer {KEY}"}).json()
        assert document["data"] and "models" not in document


class TestGeminiCLI:
    @pytest.fixture
    def client(self, gateway):
        return Replay(gateway, "gemini-cli")

    def turn(self, client, model, contents):
        answer, _ = client.send("turn", MODEL=model, CONTENTS=[*client.document["opening"], *contents])
        events = frames(answer)
        # One space, no names and no comments: its reader takes nothing else.
        assert all(frame.startswith("data: {") for frame in answer.text.strip().replace("\r\n", "\n").split("\n\n"))
        chunks = [data for _, data in events]
        reasons = [c["finishReason"] for chunk in chunks for c in chunk.get("candidates", []) if "finishReason" in c]
        assert reasons == ["STOP"] and chunks[-1]["usageMetadata"]["totalTokenCount"] > 0
        return [part for chunk in chunks for candidate in chunk.get("candidates", [])
                for part in candidate.get("content", {}).get("parts", [])]

    @staticmethod
    def user(*parts):
        return {"role": "user", "parts": list(parts)}

    def test_tool_and_its_result(self, client, model):
        question = self.user({"text": 'think hard then call run_shell_command {"command": "ls"}'})
        parts = self.turn(client, model, [question])
        assert "".join(part["text"] for part in parts if part.get("thought")) == "hard"
        part = next(part for part in parts if "functionCall" in part)
        assert (part["functionCall"]["name"], part["functionCall"]["args"]) == ("run_shell_command", {"command": "ls"})
        called = {"role": "model", "parts": [part]}
        response = {"name": "run_shell_command", "response": {"output": "README.md"}}
        if "id" in part["functionCall"]:
            response["id"] = part["functionCall"]["id"]
        parts = self.turn(client, model, [question, called, self.user({"functionResponse": response})])
        assert "".join(part.get("text", "") for part in parts) == "the tool said README.md"

    def test_count(self, client, model):
        answer, _ = client.send("count", MODEL=model, CONTENTS=[self.user({"text": "four words of text"})])
        assert answer.json()["totalTokens"] > 1


class TestCursor:
    @pytest.fixture
    def client(self, gateway):
        return Replay(gateway, "cursor")

    def test_turn_in_the_format_of_the_path(self, client, model):
        answer, _ = client.send("chat turn", MODEL=model, PROMPT='call read_file {"path": "a"}')
        assert chat_text(frames(answer)) == ("", "tool_calls")

    def test_the_shape_of_responses_is_answered_in_the_format_of_the_path(self, client, model):
        answer, _ = client.send("turn", MODEL=model, PROMPT='call read_file {"path": "a"}')
        events = frames(answer)
        assert chat_text(events) == ("", "tool_calls")
        calls = [call for _, data in events[:-1] for choice in data["choices"]
                 for call in choice["delta"].get("tool_calls") or []]
        assert (calls[0]["type"], calls[0]["function"]["name"], calls[0]["index"]) == ("function", "read_file", 0)
        arguments = "".join(call["function"].get("arguments") or "" for call in calls)
        assert json.loads(arguments) == {"path": "a"}

    def test_a_tool_that_takes_free_text(self, client, model):
        answer, _ = client.send("turn", MODEL=model, PROMPT='call ApplyPatch {"input": "*** Begin Patch"}')
        events = frames(answer)
        assert chat_text(events) == ("", "tool_calls")
        calls = [call for _, data in events[:-1] for choice in data["choices"]
                 for call in choice["delta"].get("tool_calls") or []]
        parts = [call.get("custom") or call["function"] for call in calls]
        assert parts[0]["name"] == "ApplyPatch"
        assert "*** Begin Patch" in "".join(part.get("input") or part.get("arguments") or "" for part in parts)

    def test_the_conversation_goes_on(self, client, model):
        found = client.document["requests"]["turn"]
        body = json.loads(json.dumps(found["body"]).replace("$MODEL", model))
        body["stream"] = False
        body["input"] = [body["input"][0], {"role": "user", "content": "call read_file {}"}, {
            "type": "function_call", "call_id": "call_1", "name": "read_file", "arguments": "{}"}, {
            "type": "function_call_output", "call_id": "call_1", "output": "twelve lines"}]
        headers = {"authorization": f"Bearer {KEY}"}
        document = httpx.post(f"{client.url}/v1/chat/completions", json=body, headers=headers).json()
        assert document["object"] == "chat.completion"
        assert document["choices"][0]["message"]["content"] == "the tool said twelve lines"

    def test_what_belongs_to_the_other_path_is_refused(self, client):
        headers = {"authorization": f"Bearer {KEY}"}
        for more, parameter in (({"previous_response_id": "resp_1"}, "previous_response_id"),
                                ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "previous_response_id"),
                                ({"background": True}, "background")):
            body = {"model": "gpt-4o-mini", "input": "say hi", **more}
            answer = httpx.post(f"{client.url}/v1/chat/completions", json=body, headers=headers)
            assert answer.status_code == 400 and answer.json()["error"]["param"] == parameter
        both = {"model": "gpt-4o-mini", "input": "say no", "messages": [{"role": "user", "content": "say yes"}]}
        assert httpx.post(f"{client.url}/v1/chat/completions", json=both, headers=headers).status_code == 400


class TestOpenWebUI:
    @pytest.fixture
    def client(self, gateway):
        return Replay(gateway, "open-webui")

    def test_models(self, client):
        document = client.send("models")[0].json()
        assert document["object"] == "list"
        assert {entry["id"] for entry in document["data"]} >= set(MODELS.values())

    def test_turn(self, client, model):
        answer, _ = client.send("turn", MODEL=model, PROMPT="say hello there")
        assert chat_text(frames(answer)) == ("hello there", "stop")

    def test_title(self, client, model):
        answer, _ = client.send("title", MODEL=model, PROMPT="say A title")
        assert answer.json()["choices"][0]["message"]["content"] == "A title"

    def test_its_user_stays_here(self, client, openai_upstream):
        client.send("turn", MODEL="gpt-4o-mini", PROMPT="say hi")
        assert not [name for name in openai_upstream.records.last()[0].headers if name.startswith("x-openwebui")]


class TestCherryStudio:
    @pytest.fixture
    def client(self, gateway):
        return Replay(gateway, "cherry-studio")

    @pytest.mark.parametrize("request_name", ["models", "models without a version"])
    def test_models(self, client, request_name):
        document = client.send(request_name)[0].json()
        assert {entry["id"] for entry in document["data"]} >= set(MODELS.values())

    @pytest.mark.parametrize("request_name", ["turn", "turn without a version"])
    def test_turn(self, client, model, request_name):
        answer, _ = client.send(request_name, MODEL=model, PROMPT="say hello there")
        assert chat_text(frames(answer)) == ("hello there", "stop")

    def test_turn_of_its_anthropic_provider(self, client, model):
        blocks, stop = message_of(frames(client.send("anthropic turn", MODEL=model, PROMPT="say hello there")[0]))
        assert (blocks[-1]["text"], stop) == ("hello there", "end_turn")

    def test_turn_of_its_gemini_provider(self, client, model):
        events = frames(client.send("gemini turn", MODEL=model, PROMPT="say hello there")[0])
        parts = [part for _, chunk in events for candidate in chunk["candidates"]
                 for part in candidate["content"]["parts"]]
        assert "".join(part.get("text", "") for part in parts) == "hello there"


class TestModelLists:
    """One path, three dialects: the headers of the caller decide."""

    LISTS = {
        "openai": ({"authorization": f"Bearer {KEY}"}, "data", "id", ""),
        "anthropic": ({"authorization": f"Bearer {KEY}", "anthropic-version": "2026-10-21"}, "data", "id", ""),
        "anthropic with its older key": ({"x-api-key": KEY, "anthropic-version": "2023-06-01"}, "data", "id", ""),
        "gemini": ({"x-goog-api-key": KEY}, "models", "name", "models/"),
    }

    @pytest.mark.parametrize("dialect", LISTS)
    def test_list_and_entry(self, gateway, dialect):
        headers, list_name, id_name, prefix = self.LISTS[dialect]
        document = httpx.get(f"{gateway.url}/v1/models", headers=headers).json()
        names = {entry[id_name] for entry in document[list_name]}
        assert {prefix + name for name in MODELS.values()} <= names
        for entry in document[list_name]:
            assert entry.get("display_name", entry.get("displayName", entry.get("object")))
        one = httpx.get(f"{gateway.url}/v1/models/gpt-4o-mini", headers=headers).json()
        assert one == next(entry for entry in document[list_name] if entry[id_name] == f"{prefix}gpt-4o-mini")
