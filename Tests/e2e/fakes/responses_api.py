"""A Responses upstream that checks every request as the vendor does."""

import base64
import json

from openai.types.responses import response_create_params

from .behaviour import Turn
from .records import Records
from .schema import check
from .server import Server

MODELS = ["gpt-5-mini", "gpt-5-2025-08-07"]
NO_CALL = "No tool call found for function call output with call_id {}."
NO_OUTPUT = "No tool output found for function call {}."


class ResponsesUpstream:
    def __init__(self, keys=("sk-upstream-1",), models=MODELS, port=0):
        self.keys = set(keys)
        self.models = list(models)
        self.records = Records()
        self.stored = {}
        # The types require `strict` of a tool, and the vendor does not; only clients' own bytes may lack it.
        self.lenient = False
        self.items_by_id = {}
        # The documents of answers, byte for byte.
        self.sent = []
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
        if request.method == "POST" and request.path == "/v1/responses/compact":
            return await self.compact(request.json(), answer)
        if request.method != "POST" or request.path != "/v1/responses":
            return await self.error(answer, 404, f"Invalid URL ({request.method} {request.path})", None)
        body = request.json()
        self.records.received(request, body)
        problem = self.problem(body)
        if problem:
            message, code = problem if isinstance(problem, tuple) else (problem, None)
            return await self.error(answer, 400, message, code)
        if body["model"] not in self.models:
            return await self.error(answer, 404, f"The model `{body['model']}` does not exist", "model_not_found")
        await self.complete(body, answer)

    @staticmethod
    async def compact(body, answer):
        await answer.document(200, {
            "id": "cmp_1", "object": "response.compaction", "created_at": 1763690000, "output": [
                {"id": "cmpi_1", "type": "compaction", "encrypted_content": "sealed:" + json.dumps(body.get("input"))}],
            "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                      "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 7}})

    @staticmethod
    async def error(answer, status, message, code):
        await answer.document(status, {"error": {
            "message": message, "type": "invalid_request_error", "param": None, "code": code}},
            [("x-request-id", "req_upstream")])

    def problem(self, body):
        kind = (response_create_params.ResponseCreateParamsStreaming if body.get("stream")
                else response_create_params.ResponseCreateParamsNonStreaming)
        found = [text for text in check(body, kind) if not (self.lenient and text.endswith(".strict is missing"))]
        if found:
            return found[0]
        if body.get("max_output_tokens") is not None and body["max_output_tokens"] < 16:
            return "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16."
        if body.get("previous_response_id") and body["previous_response_id"] not in self.stored:
            return (f"Previous response with id '{body['previous_response_id']}' not found.",
                    "previous_response_not_found")
        for item in body["input"] if isinstance(body["input"], list) else []:
            if item.get("type") == "item_reference" and item["id"] not in self.items_by_id:
                return f"Item with id '{item['id']}' not found."
        if body.get("tools") == []:
            return None
        items = self.history(body)
        if "forbidden words" in json.dumps(items[-1]):
            return "Your request was rejected as a result of our safety system."
        calls, outputs = set(), set()
        for item in items:
            kind = item.get("type", "message")
            if kind in ("function_call", "custom_tool_call"):
                calls.add(item["call_id"])
            if kind in ("function_call_output", "custom_tool_call_output"):
                if item["call_id"] not in calls:
                    return NO_CALL.format(item["call_id"])
                outputs.add(item["call_id"])
            if kind == "reasoning" and not item.get("encrypted_content"):
                return f"Item '{item['id']}' not found. Items are not persisted when `store` is set to false."
            if kind == "reasoning" and not item["encrypted_content"].startswith("sealed:"):
                return ("The encrypted content could not be verified.", "invalid_encrypted_content")
            if kind == "message" and item["role"] == "assistant" and isinstance(item["content"], list):
                if any(part["type"].startswith("input_") for part in item["content"]):
                    return "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'."
        for missing in calls - outputs:
            return NO_OUTPUT.format(missing)
        return None

    def history(self, body):
        items = body["input"]
        if isinstance(items, str):
            items = [{"role": "user", "content": items}]
        items = [self.items_by_id[item["id"]] if item.get("type") == "item_reference" else item for item in items]
        return [*self.stored.get(body.get("previous_response_id"), []), *items]

    def turn(self, body):
        images, prompt = [], ""
        for item in self.history(body):
            if item.get("type") in ("function_call_output", "custom_tool_call_output"):
                output = item["output"]
                prompt = "say the tool said " + (output if isinstance(output, str) else output[0]["text"])
            elif item.get("type", "message") == "message" and item["role"] == "user":
                content = item["content"]
                parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
                for part in parts:
                    if part["type"] == "input_text":
                        prompt = part["text"]
                    elif part["type"] == "input_image":
                        head, _, data = part["image_url"].partition(",")
                        base64.b64decode(data, validate=True)
                        images.append(head.removeprefix("data:").removesuffix(";base64"))
        return Turn(prompt, images)

    # The answer.

    def items(self, body, turn, number):
        """The finished items of the answer."""
        custom = {tool["name"] for tool in body.get("tools") or [] if tool["type"] == "custom"}
        sealed = "reasoning.encrypted_content" in (body.get("include") or [])
        items = []
        if turn.reasoning:
            shows = (body.get("reasoning") or {}).get("summary")
            items.append({"id": f"rs_{number}", "type": "reasoning",
                          "summary": [{"type": "summary_text", "text": turn.reasoning}] if shows else [],
                          **({"encrypted_content": f"sealed:{turn.reasoning}"} if sealed else {})})
        if turn.text:
            items.append({"id": f"msg_{number}", "type": "message", "status": "completed", "role": "assistant",
                          "content": [{"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}]})
        for index, (name, arguments) in enumerate(turn.calls):
            call = {"id": f"fc_{number}_{index}", "call_id": f"call_{number}_{index}", "name": name}
            if name in custom:
                items.append({**call, "type": "custom_tool_call", "input": arguments.get("input", "")})
            else:
                items.append({**call, "type": "function_call", "status": "completed",
                              "arguments": json.dumps(arguments)})
        return items

    def response(self, body, number, **members):
        return {
            "id": f"resp_{number}", "object": "response", "created_at": 1763690000, "status": "in_progress",
            "background": False, "error": None, "incomplete_details": None, "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"), "metadata": body.get("metadata") or {},
            "model": body["model"], "output": [], "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": body.get("previous_response_id"),
            "reasoning": body.get("reasoning") or {"effort": None, "summary": None}, "store": body.get("store", True),
            "temperature": body.get("temperature", 1.0), "text": body.get("text") or {"format": {"type": "text"}},
            "tool_choice": body.get("tool_choice", "auto"), "tools": body.get("tools") or [],
            "top_p": body.get("top_p", 1.0), "truncation": "disabled", "usage": None, "user": None, **members}

    async def complete(self, body, answer):
        number = self.records.number()
        turn = self.turn(body)
        items = self.items(body, turn, number)
        size = 11 + len(self.history(body))
        usage = {"input_tokens": size, "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
                 "output_tokens": turn.output_tokens(),
                 "output_tokens_details": {"reasoning_tokens": len(turn.reasoning) // 4},
                 "total_tokens": size + turn.output_tokens()}
        status = {"status": "completed"}
        if turn.limited:
            status = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        final = self.response(body, number, output=items, usage=usage, **status)
        if body.get("store", True):
            self.stored[final["id"]] = [*self.history(body), *items]
            self.items_by_id |= {item["id"]: item for item in items}
        self.records.finished(id=final["id"], input=size, output=turn.output_tokens(), stream=bool(body.get("stream")))
        if not body.get("stream"):
            self.sent.append(json.dumps(final, indent=1).encode())
            return await answer.document(200, self.sent[-1], [("x-request-id", "req_upstream")])
        await self.stream(body, answer, turn, number, final)

    async def stream(self, body, answer, turn, number, final):
        sequence = 0

        async def send(kind, **members):
            nonlocal sequence
            event = {"type": kind, "sequence_number": sequence, **members}
            sequence += 1
            await answer.chunk(f"event: {kind}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n")

        await answer.begin_stream([("x-request-id", "req_upstream")])
        await send("response.created", response=self.response(body, number))
        await send("response.in_progress", response=self.response(body, number))
        for index, item in enumerate(final["output"]):
            place = {"item_id": item["id"], "output_index": index}
            empty = {"reasoning": {"summary": []}, "message": {"content": [], "status": "in_progress"},
                     "function_call": {"arguments": "", "status": "in_progress"},
                     "custom_tool_call": {"input": ""}}[item["type"]]
            start = {**item, **empty}
            start.pop("encrypted_content", None)
            await send("response.output_item.added", output_index=index, item=start)
            if item["type"] == "message":
                await self.message(send, turn, place, item)
            elif item["type"] == "reasoning":
                await self.reasoning(send, turn, place, item)
            else:
                name = "arguments" if item["type"] == "function_call" else "input"
                kind = f"response.{'function_call_arguments' if name == 'arguments' else 'custom_tool_call_input'}"
                for piece in turn.pieces(item[name]):
                    await send(f"{kind}.delta", **place, delta=piece)
                await send(f"{kind}.done", **place, **{name: item[name]})
            await send("response.output_item.done", output_index=index, item=item)
        await send(f"response.{final['status']}", response=final)
        await answer.end_stream()

    @staticmethod
    async def message(send, turn, place, item):
        part = item["content"][0]
        await send("response.content_part.added", **place, content_index=0, part={**part, "text": ""})
        for piece in turn.pieces(part["text"]):
            await send("response.output_text.delta", **place, content_index=0, delta=piece, logprobs=[])
        await send("response.output_text.done", **place, content_index=0, text=part["text"], logprobs=[])
        await send("response.content_part.done", **place, content_index=0, part=part)

    @staticmethod
    async def reasoning(send, turn, place, item):
        for index, part in enumerate(item["summary"]):
            await send("response.reasoning_summary_part.added", **place, summary_index=index, part={**part, "text": ""})
            for piece in turn.pieces(part["text"]):
                await send("response.reasoning_summary_text.delta", **place, summary_index=index, delta=piece)
            await send("response.reasoning_summary_text.done", **place, summary_index=index, text=part["text"])
            await send("response.reasoning_summary_part.done", **place, summary_index=index, part=part)
