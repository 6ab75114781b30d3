"""What well-known clients rely on, replayed from the shapes of their requests where the clients cannot run here."""

import json

import httpx
import pytest
from fakes.frames import TEXT, Chat, Messages, document, stream
from gateway import KEY
from scripted_world import World

USER = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("contracts"), sites=40)
    yield world
    world.stop()


def events(text):
    return [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ") and line != "data: [DONE]"]


def claude_code(model, **members):
    """A turn of Claude Code: attribution first in a system of several blocks, cache marks everywhere, many betas."""
    return {
        "model": model, "max_tokens": 32000, "stream": True,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.0; cc_entrypoint=cli;"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "text", "text": "Long instructions.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>context</system-reminder>"},
                {"type": "text", "text": "list the files", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "", "signature": "c2lnbmF0dXJl"},
                {"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": "ls", "timeout": 1.0}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01", "content": "a.txt\nb.txt", "is_error": False,
                 "cache_control": {"type": "ephemeral"}}]},
            {"role": "system", "content": "The date changed."}],
        "tools": [{"name": "Bash", "description": "Runs a command", "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "properties": {"command": {"type": "string"}, "timeout": {"type": "number"}}, "required": ["command"],
            "additionalProperties": False}, "eager_input_streaming": True}],
        "thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "metadata": {"user_id": "{\"device_id\":\"d\",\"session_id\":\"s\"}"}, "some_new_member": {"kept": [1, 2.50]},
        **members}


CLAUDE_HEADERS = {
    "authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01", "user-agent": "claude-cli/2.1.0 (external, cli)",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,a-beta-nobody-knows", "x-app": "cli",
    "x-stainless-lang": "js", "x-claude-code-session-id": "7a1e", "anthropic-dangerous-direct-browser-access": "true"}


class TestClaudeCode:
    def post(self, world, body, path="/v1/messages?beta=true"):
        # Its own writer of JSON need not be ours: the bytes have to survive.
        text = json.dumps(body, separators=(", ", ":"), ensure_ascii=False).encode()
        return text, httpx.post(f"{world.running.url}{path}", content=text, headers=CLAUDE_HEADERS)

    # E-66
    def test_everything_reaches_a_messages_upstream_as_it_was_sent(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, stream(Messages.begin + [b"event: ping\ndata: {\"type\": \"ping\"}\n\n"] + Messages.content
                                         + Messages.end))
        sent, answer = self.post(world, claude_code(f"model-{name}"))
        assert answer.status_code == 200
        call = world.upstream.call(name)
        assert call.body == sent
        head = call.head.decode().lower()
        assert "?beta=true" in head.split("\r\n")[0]
        assert "anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14,a-beta-nobody-knows" in head
        assert "anthropic-version: 2023-06-01" in head and "x-stainless" not in head
        assert "event: ping" in answer.text and [event["type"] for event in events(answer.text)][-1] == "message_stop"

    # E-45, E-65, E-67
    def test_a_chat_upstream_can_serve_it(self, world):
        name = world.fresh("chat")
        call = {"index": 0, "id": "call_1", "type": "function", "function": {
            "name": "Bash", "arguments": "{\"command\":\"cat a.txt\"}"}}
        world.upstream.play(name, stream([*Chat.begin, Chat.frame({"tool_calls": [call]}), Chat.frame({}, "tool_calls"),
                                          *Chat.end[1:]]))
        _, answer = self.post(world, claude_code(f"model-{name}"))
        assert answer.status_code == 200, answer.text
        seen = events(answer.text)
        assert [event["type"] for event in seen][-2:] == ["message_delta", "message_stop"]
        starts = [event["content_block"] for event in seen if event["type"] == "content_block_start"]
        assert [(block["type"], block.get("name")) for block in starts] == [("tool_use", "Bash")]
        arguments = "".join(event["delta"].get("partial_json", "") for event in seen
                            if event["type"] == "content_block_delta")
        assert json.loads(arguments) == {"command": "cat a.txt"}
        body = json.loads(world.upstream.call(name).body)
        assert "x-anthropic-billing-header" not in json.dumps(body)
        assert body["messages"][0]["role"] == "system" and "cache_control" not in json.dumps(body)
        roles = [message["role"] for message in body["messages"]]
        assert roles.index("tool") == roles.index("assistant") + 1
        assert "context_management" not in body and "thinking" not in body

    def test_errors_come_in_the_upstreams_own_words(self, world):
        """It reads them to recover: too long a prompt leads to compaction."""
        name = world.fresh("messages")
        words = {"type": "error", "error": {"type": "invalid_request_error",
                                            "message": "prompt is too long: 210000 tokens > 200000 maximum"},
                 "request_id": "req_1"}
        world.upstream.play(name, document(words, 400))
        _, answer = self.post(world, claude_code(f"model-{name}"))
        assert answer.status_code == 400 and answer.json() == words

    def test_errors_of_a_chat_upstream_are_said_as_it_expects(self, world):
        name = world.fresh("chat")
        world.upstream.play(name, document({"error": {
            "message": "This model's maximum context length is 200000 tokens. However, your messages resulted in 210000 "
                       "tokens.", "type": "invalid_request_error", "param": "messages",
            "code": "context_length_exceeded"}}, 400))
        _, answer = self.post(world, claude_code(f"model-{name}"))
        assert answer.status_code == 400
        assert "prompt is too long: 210000 tokens > 200000 maximum" in answer.json()["error"]["message"]

    def test_it_may_look_around(self, world):
        assert httpx.head(f"{world.running.url}/api/hello").status_code == 404
        listed = httpx.get(f"{world.running.url}/v1/models?limit=1000", headers=CLAUDE_HEADERS)
        assert {"id", "display_name", "type", "created_at"} <= set(listed.json()["data"][0])


class TestOpenWebUI:
    headers = {"authorization": f"Bearer {KEY}", "x-openwebui-user-name": "Ann", "x-openwebui-user-id": "1",
               "x-openwebui-user-email": "ann@example.com", "x-openwebui-user-role": "user", "x-openwebui-chat-id": "c"}

    def test_it_lists_models_and_streams(self, world):
        models = httpx.get(f"{world.running.url}/v1/models", headers=self.headers).json()
        assert models["object"] == "list" and {"id", "object"} <= set(models["data"][0])
        name = world.fresh("messages")
        world.upstream.play(name, stream(Messages.begin + Messages.content + Messages.end))
        answer = httpx.post(f"{world.running.url}/v1/chat/completions", headers=self.headers, json={
            "stream": True, "model": f"model-{name}", "messages": USER, "stream_options": {"include_usage": True},
            "params": {}, "tool_ids": None, "features": {"web_search": False}, "session_id": "s", "chat_id": "c"})
        assert answer.status_code == 200 and answer.text.endswith("data: [DONE]\n\n")
        chunks = events(answer.text)
        assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["total_tokens"] == 10
        body = json.loads(world.upstream.call(name).body)
        assert not {"params", "tool_ids", "features", "session_id", "chat_id"} & set(body)

    def test_what_it_tells_of_its_user_reaches_no_other_vendor(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, document(Messages.whole))
        httpx.post(f"{world.running.url}/v1/chat/completions", headers=self.headers, json={
            "model": f"model-{name}", "messages": USER})
        assert b"openwebui" not in world.upstream.call(name).head.lower()


class TestCherryStudio:
    @pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
    def test_the_base_url_may_have_a_version_or_not(self, world, path):
        name = world.fresh("chat")
        world.upstream.play(name, stream([
            *Chat.begin, Chat.frame({"reasoning_content": "hm"}), *Chat.content, *Chat.end]))
        answer = httpx.post(f"{world.running.url}{path}", headers={
            "authorization": f"Bearer {KEY}", "http-referer": "https://cherry-ai.com", "x-title": "Cherry Studio"}, json={
                "model": f"model-{name}", "messages": [{"role": "system", "content": ""}, *USER], "temperature": 0.7,
                "top_p": 1, "stream": True, "stream_options": {"include_usage": True}, "enable_thinking": True})
        chunks = events(answer.text)
        assert "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]) == TEXT
        assert any(choice["delta"].get("reasoning_content") == "hm" for chunk in chunks for choice in chunk["choices"])
        assert json.loads(world.upstream.call(name).body)["enable_thinking"] is True


class TestCursor:
    """Its chat form: tools and a result in the history, numbers where others send none."""

    def body(self, model):
        return {
            "model": model, "temperature": 0, "stream": True, "stream_options": {"include_usage": True}, "user": "cursor",
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "You are an agent.", "cache_control": {
                    "type": "ephemeral"}}]},
                {"role": "user", "content": [{"type": "text", "text": "read a.txt"}]},
                {"role": "assistant", "content": None, "tool_calls": [{
                    "id": "toolu_vrtx_01", "type": "function", "index": 0, "function": {
                        "name": "read_file", "arguments": "{\"path\":\"a.txt\"}"}}]},
                {"role": "tool", "tool_call_id": "toolu_vrtx_01", "content": [{"type": "text", "text": "hello"}]}],
            "tools": [{"type": "function", "function": {"name": "read_file", "description": "Reads", "parameters": {
                "type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}}],
            "tool_choice": "auto", "parallel_tool_calls": True}

    @pytest.mark.parametrize("format_name, kind", [("chat", Chat), ("messages", Messages)])
    def test_its_turns_are_served(self, world, format_name, kind):
        name = world.fresh(format_name)
        world.upstream.play(name, stream(kind.begin + kind.content + kind.end))
        answer = httpx.post(f"{world.running.url}/v1/chat/completions", headers={"authorization": f"Bearer {KEY}"},
                            json=self.body(f"model-{name}"))
        assert answer.status_code == 200, answer.text
        chunks = events(answer.text)
        assert "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]) == TEXT
        assert answer.text.endswith("data: [DONE]\n\n")
