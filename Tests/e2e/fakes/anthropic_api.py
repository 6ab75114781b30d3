"""A Messages upstream that checks every request as the vendor does."""

import base64
import json

from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_count_tokens_params as beta_count_params
from anthropic.types.beta import message_create_params as beta_params

from .behaviour import Turn
from .records import Records
from .schema import check
from .server import Server

MODELS = ["claude-sonnet-5", "claude-haiku-5"]
MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8", "image/webp": b"RIFF"}
VERSIONS = ("2023-06-01", "2026-10-21")


class AnthropicUpstream:
    def __init__(self, keys=("sk-ant-upstream-1",), models=MODELS, port=0):
        self.keys = set(keys)
        self.models = list(models)
        self.records = Records()
        self.server = Server(self.handle, port)
        self.url = self.server.url

    def stop(self):
        self.server.stop()

    async def handle(self, request, answer):
        if request.headers.get("x-api-key") not in self.keys:
            return await self.error(answer, 401, "authentication_error", "invalid x-api-key")
        version = request.headers.get("anthropic-version")
        if version not in VERSIONS:
            return await self.error(answer, 400, "invalid_request_error", "anthropic-version: header is required")
        if request.method == "GET" and request.path == "/v1/models":
            data = [{"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
                    for name in self.models]
            return await answer.document(200, {
                "data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]})
        if request.method == "POST" and request.path == "/v1/messages/count_tokens":
            return await self.count(request, answer)
        if request.method != "POST" or request.path != "/v1/messages":
            return await self.error(answer, 404, "not_found_error", "Not found")
        body = request.json()
        self.records.received(request, body)
        problem = self.problem(body, version, "anthropic-beta" in request.headers)
        if problem:
            return await self.error(answer, 400, "invalid_request_error", problem)
        if body["model"] not in self.models:
            return await self.error(answer, 404, "not_found_error", f"model: {body['model']}")
        await self.complete(body, answer)

    @staticmethod
    async def error(answer, status, kind, message):
        await answer.document(status, {"type": "error", "error": {"type": kind, "message": message},
                                       "request_id": "req_upstream"}, [("request-id", "req_upstream")])

    async def count(self, request, answer):
        body = request.json()
        self.records.received(request, body)
        params = beta_count_params if "anthropic-beta" in request.headers else message_count_tokens_params
        problems = check(body, params.MessageCountTokensParams)
        if problems:
            return await self.error(answer, 400, "invalid_request_error", problems[0])
        await answer.document(200, {"input_tokens": 31}, [("request-id", "req_upstream")])

    def problem(self, body, version, beta=False):
        params = beta_params if beta else message_create_params
        kind = params.MessageCreateParamsStreaming if body.get("stream") else params.MessageCreateParamsNonStreaming
        legacy = {"temperature": float, "top_p": float, "top_k": int}
        checked = {name: value for name, value in body.items() if name not in legacy}
        found = check(checked, kind)
        if found:
            return found[0]
        if version == "2026-10-21" and any(name in body for name in legacy):
            return "temperature, top_p and top_k are not supported"
        if not 0 <= body.get("temperature", 0) <= 1:
            return "temperature: range: 0..1"
        if body.get("tool_choice") and not body.get("tools"):
            return "tool_choice may only be specified while providing tools"
        if not body["messages"] or body["messages"][0]["role"] != "user":
            return "messages: first message must use the \"user\" role"
        return self.turns_problem(body["messages"])

    def turns_problem(self, messages):
        open_calls = set()
        for index, message in enumerate(messages):
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            if not blocks:
                return f"messages.{index}: content must be non-empty"
            results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
            if open_calls and set(results) != open_calls:
                return f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after"
            if results and not open_calls:
                return f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks"
            kinds = [block["type"] == "tool_result" for block in blocks]
            if kinds != sorted(kinds, reverse=True):
                return f"messages.{index}: tool_result blocks must come first"
            for block in blocks:
                if block["type"] == "text" and not block["text"].strip():
                    return f"messages.{index}: text content blocks must contain non-whitespace text"
                if block["type"] == "image" and block["source"]["type"] == "base64":
                    # The SDK's type takes open files as well.
                    if not isinstance(block["source"]["data"], str):
                        return f"messages.{index}: image data has to be a string"
                    data = base64.b64decode(block["source"]["data"], validate=True)
                    if not data.startswith(MAGIC[block["source"]["media_type"]]):
                        return f"messages.{index}: image media type does not match its content"
                if block["type"] == "thinking" and not block.get("signature", "").startswith("sig-"):
                    return f"messages.{index}: Invalid `signature` in `thinking` block"
            open_calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
        return "the last tool calls have no results" if open_calls else None

    def turn(self, body):
        images, prompt = [], ""
        for message in body["messages"]:
            if message["role"] != "user":
                continue
            content = message["content"]
            for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
                if block["type"] == "text":
                    prompt = block["text"]
                elif block["type"] == "image":
                    images.append(block["source"].get("media_type", block["source"]["type"]))
                elif block["type"] == "tool_result":
                    inner = block.get("content", "")
                    prompt = "say the tool said " + (inner if isinstance(inner, str) else inner[0]["text"])
        turn = Turn(prompt, images)
        if body.get("thinking", {}).get("type", "disabled") == "disabled":
            turn.reasoning = ""
        return turn

    async def complete(self, body, answer):
        number = self.records.number()
        turn = self.turn(body)
        blocks = []
        if turn.reasoning:
            blocks.append({"type": "thinking", "thinking": turn.reasoning, "signature": f"sig-{number}"})
        if turn.text:
            blocks.append({"type": "text", "text": turn.text})
        blocks += [{"type": "tool_use", "id": f"toolu_{number}_{index}", "name": name, "input": arguments}
                   for index, (name, arguments) in enumerate(turn.calls)]
        usage = {"input_tokens": 10 + len(body["messages"]), "cache_creation_input_tokens": 0,
                 "cache_read_input_tokens": 4, "output_tokens": turn.output_tokens()}
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": body["model"],
                   "content": blocks, "stop_sequence": None, "usage": usage,
                   "stop_reason": "max_tokens" if turn.limited else "tool_use" if turn.calls else "end_turn"}
        self.records.finished(id=message["id"], input=usage["input_tokens"] + 4, output=usage["output_tokens"],
                              stream=bool(body.get("stream")))
        if body.get("stream"):
            return await self.stream(answer, turn, message)
        await answer.document(200, message, [("request-id", "req_upstream")])

    async def stream(self, answer, turn, message):
        async def send(event, **members):
            data = json.dumps({"type": event, **members}, ensure_ascii=False)
            await answer.chunk(f"event: {event}\ndata: {data}\n\n")

        await answer.begin_stream([("request-id", "req_upstream")])
        start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
        await send("message_start", message=start)
        await send("ping")
        for index, block in enumerate(message["content"]):
            if block["type"] == "thinking":
                await send("content_block_start", index=index,
                           content_block={"type": "thinking", "thinking": "", "signature": ""})
                for piece in turn.pieces(block["thinking"]):
                    await send("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": piece})
                await send("content_block_delta", index=index,
                           delta={"type": "signature_delta", "signature": block["signature"]})
            elif block["type"] == "text":
                await send("content_block_start", index=index, content_block={"type": "text", "text": ""})
                for piece in turn.pieces(block["text"]):
                    await send("content_block_delta", index=index, delta={"type": "text_delta", "text": piece})
            else:
                await send("content_block_start", index=index, content_block={**block, "input": {}})
                for piece in turn.pieces(json.dumps(block["input"])):
                    await send("content_block_delta", index=index,
                               delta={"type": "input_json_delta", "partial_json": piece})
            await send("content_block_stop", index=index)
        await send("message_delta", delta={"stop_reason": message["stop_reason"], "stop_sequence": None},
                   usage={"output_tokens": message["usage"]["output_tokens"]})
        await send("message_stop")
        await answer.end_stream()
