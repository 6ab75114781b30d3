"""A /v2/chat upstream that checks every request as the vendor's reference describes it."""

import json

from .behaviour import Turn
from .records import Records
from .server import Server

MEMBERS = {"model", "messages", "stream", "max_tokens", "stop_sequences", "temperature", "p", "k", "seed", "tools",
           "frequency_penalty", "presence_penalty", "tool_choice", "response_format", "thinking", "safety_mode",
           "documents", "citation_options", "logprobs", "strict_tools", "priority"}
PARTS = {"text": {"type", "text"}, "image_url": {"type", "image_url"}, "document": {"type", "document"},
         "thinking": {"type", "thinking"}}
ROLES = {"user": {"content"}, "system": {"content"}, "assistant": {"content", "tool_calls", "tool_plan", "citations"},
         "tool": {"content", "tool_call_id"}}


class CohereUpstream:
    def __init__(self, key="sk-cohere-1", port=0):
        self.key = key
        self.records = Records()
        self.server = Server(self.handle, port)
        self.url = self.server.url

    def stop(self):
        self.server.stop()

    async def handle(self, request, answer):
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return await answer.document(401, {"id": "e-1", "message": "invalid api token"})
        if request.method == "GET" and request.path == "/v1/models":
            return await answer.document(200, {"models": [{"name": "command-a", "endpoints": ["chat"],
                                                           "context_length": 256000}]})
        if request.method != "POST" or request.path != "/v2/chat":
            return await answer.document(404, {"message": "no such route"})
        body = request.json()
        self.records.received(request, body)
        problem = self.problem(body)
        if problem:
            return await answer.document(400, {"id": "e-2", "message": problem})
        await self.complete(body, answer)

    @staticmethod
    def problem(body):
        if set(body) - MEMBERS:
            return f"unknown field: {sorted(set(body) - MEMBERS)}"
        open_calls = set()
        for index, message in enumerate(body["messages"]):
            if set(message) - ROLES[message["role"]] - {"role"}:
                return f"messages[{index}]: unknown members {sorted(message)}"
            content = message.get("content")
            for part in content if isinstance(content, list) else []:
                if set(part) != PARTS[part["type"]]:
                    return f"messages[{index}]: malformed part {part}"
            if message["role"] == "tool":
                if message["tool_call_id"] not in open_calls:
                    return f"messages[{index}]: no tool call with id {message['tool_call_id']}"
                open_calls.discard(message["tool_call_id"])
            elif open_calls:
                return f"messages[{index}]: tool calls without results {open_calls}"
            else:
                open_calls = {call["id"] for call in message.get("tool_calls") or []}
                for call in message.get("tool_calls") or []:
                    json.loads(call["function"]["arguments"])
        if body.get("tool_choice") not in (None, "REQUIRED", "NONE"):
            return "invalid tool_choice"
        if "forbidden" in json.dumps(body["messages"][-1]):
            return "this text is forbidden"
        return None

    @staticmethod
    def prompt(body):
        last = body["messages"][-1]
        content = last["content"]
        text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        return "say the tool said " + text if last["role"] == "tool" else text

    async def complete(self, body, answer):
        prompt = self.prompt(body)
        turn = Turn(prompt.removeprefix("cut "), [])
        usage = {"billed_units": {"input_tokens": 4, "output_tokens": 6},
                 "tokens": {"input_tokens": 71, "output_tokens": 9}, "cached_tokens": 16}
        calls = [{"id": f"{name}_{index}", "type": "function",
                  "function": {"name": name, "arguments": json.dumps(arguments)}}
                 for index, (name, arguments) in enumerate(turn.calls)]
        finish = "TOOL_CALL" if calls else "COMPLETE"
        if not body.get("stream"):
            message = {"role": "assistant"}
            if calls:
                message |= {"tool_plan": "I will ask.", "tool_calls": calls}
            else:
                message["content"] = [{"type": "text", "text": turn.text}]
            return await answer.document(
                200, {"id": "c-1", "finish_reason": finish, "message": message, "usage": usage})
        await answer.begin_stream()

        async def send(kind, message=None, **members):
            data = {"type": kind, **members, **({"delta": {"message": message}} if message else {})}
            await answer.chunk(f"event: {kind}\ndata: {json.dumps(data)}\n\n")

        await send("message-start", {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}, id="c-1")
        if calls:
            for piece in ("I will", " ask."):
                await send("tool-plan-delta", {"tool_plan": piece})
        else:
            await send("content-start", {"content": {"type": "text", "text": ""}}, index=0)
            for piece in turn.pieces(turn.text):
                await send("content-delta", {"content": {"text": piece}}, index=0)
            if prompt.startswith("cut "):
                return answer.cut()
            await send("content-end", index=0)
        for index, call in enumerate(calls):
            head = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
            await send("tool-call-start", {"tool_calls": head}, index=index)
            for piece in turn.pieces(call["function"]["arguments"]):
                await send("tool-call-delta", {"tool_calls": {"function": {"arguments": piece}}}, index=index)
            await send("tool-call-end", index=index)
        last = {"type": "message-end", "id": "c-1", "delta": {"finish_reason": finish, "usage": usage}}
        await answer.chunk(f"event: message-end\ndata: {json.dumps(last)}\n\n")
        await answer.end_stream()
