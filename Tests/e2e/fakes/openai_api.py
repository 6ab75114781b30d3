"""A Chat Completions upstream that checks every request as the vendor does."""

import base64
import json

from openai.types.chat import completion_create_params

from .behaviour import Turn
from .records import Records
from .schema import check
from .server import Server

MODELS = ["gpt-4o-mini", "gpt-4o-2024-08-06"]


class OpenAIUpstream:
    def __init__(self, keys=("sk-upstream-1",), models=MODELS, port=0, reasons=True):
        self.keys = set(keys)
        self.models = list(models)
        self.reasons = reasons
        self.records = Records()
        self.server = Server(self.handle, port)
        self.url = self.server.url

    def stop(self):
        self.server.stop()

    async def handle(self, request, answer):
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.keys:
            return await self.error(answer, 401, "Incorrect API key provided.", "invalid_api_key")
        if request.method == "GET" and request.path == "/v1/models":
            return await answer.document(200, {"object": "list", "data": [
                {"id": name, "object": "model", "created": 1715367049, "owned_by": "system"} for name in self.models]})
        if request.method != "POST" or request.path != "/v1/chat/completions":
            return await self.error(answer, 404, f"Invalid URL ({request.method} {request.path})", None)
        body = request.json()
        self.records.received(request, body)
        problem = self.problem(body)
        if problem:
            return await self.error(answer, 400, problem, None)
        if body["model"] not in self.models:
            return await self.error(answer, 404, f"The model `{body['model']}` does not exist", "model_not_found")
        await self.complete(body, answer)

    @staticmethod
    async def error(answer, status, message, code):
        await answer.document(status, {"error": {
            "message": message, "type": "invalid_request_error", "param": None, "code": code}},
            [("x-request-id", "req_upstream")])

    def problem(self, body):
        kind = (completion_create_params.CompletionCreateParamsStreaming if body.get("stream")
                else completion_create_params.CompletionCreateParamsNonStreaming)
        found = check(self.without_reasoning(body) if self.reasons else body, kind)
        if found:
            return found[0]
        if body.get("stream_options") is not None and not body.get("stream"):
            return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        if "forbidden words" in json.dumps(body["messages"][-1]):
            return "Your request was rejected as a result of our safety system."
        open_calls = set()
        for index, message in enumerate(body["messages"]):
            if message["role"] == "tool":
                if message["tool_call_id"] not in open_calls:
                    return f"messages[{index}]: role 'tool' must be a response to a preceding message with 'tool_calls'."
                open_calls.discard(message["tool_call_id"])
                continue
            if open_calls:
                return f"messages[{index}]: an assistant message with 'tool_calls' must be followed by tool messages."
            open_calls = {call["id"] for call in message.get("tool_calls") or []}
        if body.get("tools") == []:
            return "[] is too short - 'tools'"
        return None

    @staticmethod
    def without_reasoning(body):
        """Whoever answers with this extension takes it back; it is in no type of the SDK."""
        def plain(message):
            if message.get("role") != "assistant" or not isinstance(message.get("reasoning_content"), str):
                return message
            return {name: value for name, value in message.items() if name != "reasoning_content"}

        return {**body, "messages": [plain(message) for message in body.get("messages") or []]}

    def turn(self, body):
        images, prompt = [], ""
        for message in body["messages"]:
            content = message.get("content")
            if message["role"] == "tool":
                prompt = "say the tool said " + (content if isinstance(content, str) else content[0]["text"])
            elif message["role"] == "user":
                parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
                for part in parts:
                    if part["type"] == "text":
                        prompt = part["text"]
                    elif part["type"] == "image_url":
                        head, _, data = part["image_url"]["url"].partition(",")
                        base64.b64decode(data, validate=True)
                        images.append(head.removeprefix("data:").removesuffix(";base64"))
        return Turn(prompt, images)

    @staticmethod
    def finish(turn):
        return "length" if turn.limited else "tool_calls" if turn.calls else "stop"

    async def complete(self, body, answer):
        number = self.records.number()
        turn = self.turn(body)
        usage = {"prompt_tokens": 11 + len(body["messages"]), "completion_tokens": turn.output_tokens(),
                 "total_tokens": 11 + len(body["messages"]) + turn.output_tokens(),
                 "prompt_tokens_details": {"cached_tokens": 3}}
        head = {"id": f"chatcmpl-{number}", "created": 1763690000, "model": body["model"]}
        calls = [{"id": f"call_{number}_{index}", "type": "function",
                  "function": {"name": name, "arguments": json.dumps(arguments)}}
                 for index, (name, arguments) in enumerate(turn.calls)]
        facts = {"id": head["id"], "input": usage["prompt_tokens"], "output": usage["completion_tokens"],
                 "stream": bool(body.get("stream"))}
        self.records.finished(**facts)
        if body.get("stream"):
            return await self.stream(body, answer, turn, head, calls, usage)
        message = {"role": "assistant", "content": turn.text or None, "refusal": None}
        if turn.reasoning and self.reasons:
            message["reasoning_content"] = turn.reasoning
        if calls:
            message["tool_calls"] = calls
        await answer.document(200, {**head, "object": "chat.completion", "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish(turn)}],
            "usage": usage}, [("x-request-id", "req_upstream"), ("openai-processing-ms", "12")])

    async def stream(self, body, answer, turn, head, calls, usage):
        asked = (body.get("stream_options") or {}).get("include_usage")
        extra = {"usage": None} if asked else {}

        async def send(delta, finish=None):
            chunk = {**head, "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], **extra}
            await answer.chunk(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n")

        await answer.begin_stream([("x-request-id", "req_upstream")])
        await send({"role": "assistant", "content": None if calls else "", "refusal": None})
        for piece in turn.pieces(turn.reasoning) if self.reasons else []:
            await send({"reasoning_content": piece})
        for piece in turn.pieces(turn.text):
            await send({"content": piece})
        for index, call in enumerate(calls):
            await send({"tool_calls": [{"index": index, "id": call["id"], "type": "function",
                                        "function": {"name": call["function"]["name"], "arguments": ""}}]})
            for piece in turn.pieces(call["function"]["arguments"]):
                await send({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        await send({}, self.finish(turn))
        if asked:
            chunk = {**head, "object": "chat.completion.chunk", "choices": [], "usage": usage}
            await answer.chunk(f"data: {json.dumps(chunk)}\n\n")
        await answer.chunk("data: [DONE]\n\n")
        await answer.end_stream()
