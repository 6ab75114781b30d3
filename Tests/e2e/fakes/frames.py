"""Answers of every format as bytes, cut into their frames."""

import json

WORDS = ["one ", "two ", "three"]
TEXT = "".join(WORDS)
STREAM_HEAD = (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
END = b"0\r\n\r\n"


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def document(value, status=200, headers=(), kind="application/json"):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(body)}",
             *(f"{name}: {text}" for name, text in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Chat:
    """Chat Completions."""

    @staticmethod
    def frame(delta=None, finish=None, **members):
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        return b"data: " + json.dumps({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "upstream-name",
            "choices": choices, **members}).encode() + b"\n\n"

    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    begin = [frame({"role": "assistant", "content": ""})]
    content = list(map(lambda word, frame=frame: frame({"content": word}), WORDS))
    end = [frame({}, "stop"), frame(None, usage=usage), b"data: [DONE]\n\n"]
    error = b'data: {"error":{"message":"boom","type":"server_error","param":null,"code":null}}\n\n'
    error_document = {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "upstream-name", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}], "usage": usage}


class Messages:
    """Messages."""

    @staticmethod
    def frame(kind, **members):
        return f"event: {kind}\ndata: ".encode() + json.dumps({"type": kind, **members}).encode() + b"\n\n"

    begin = [
        frame("message_start", message={
            "id": "msg_1", "type": "message", "role": "assistant", "model": "upstream-name", "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 1}}),
        frame("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    ]
    content = list(map(lambda word, frame=frame: frame(
        "content_block_delta", index=0, delta={"type": "text_delta", "text": word}), WORDS))
    end = [
        frame("content_block_stop", index=0),
        frame("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 3}),
        frame("message_stop"),
    ]
    error = (b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"boom"}}\n\n')
    error_document = {"type": "error", "error": {"type": "api_error", "message": "boom"}}
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": "upstream-name", "stop_reason": "end_turn",
             "stop_sequence": None, "content": [{"type": "text", "text": TEXT}],
             "usage": {"input_tokens": 7, "output_tokens": 3}}


class Responses:
    """Responses."""

    sequence = iter(range(10_000))

    @staticmethod
    def frame(kind, **members):
        event = {"type": kind, "sequence_number": next(Responses.sequence), **members}
        return f"event: {kind}\ndata: ".encode() + json.dumps(event).encode() + b"\n\n"

    @staticmethod
    def response(status, output=(), usage=None, **members):
        return {"id": "resp_1", "object": "response", "created_at": 1, "model": "upstream-name", "status": status,
                "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "output": list(output),
                "parallel_tool_calls": True, "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
                "usage": usage, **members}


def _responses():
    frame, place = Responses.frame, {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    usage = {"input_tokens": 7, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
             "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 10}
    failure = {"code": "server_error", "message": "boom"}
    Responses.begin = [
        frame("response.created", response=Responses.response("in_progress")),
        frame("response.output_item.added", output_index=0, item={**item, "status": "in_progress", "content": []}),
        frame("response.content_part.added", **place, part={**part, "text": ""}),
    ]
    Responses.content = [frame("response.output_text.delta", **place, delta=word, logprobs=[]) for word in WORDS]
    Responses.whole = Responses.response("completed", [item], usage)
    Responses.end = [
        frame("response.output_text.done", **place, text=TEXT, logprobs=[])
        + frame("response.content_part.done", **place, part=part),
        frame("response.output_item.done", output_index=0, item=item),
        frame("response.completed", response=Responses.whole),
    ]
    Responses.error = frame("response.failed", response=Responses.response("failed", error=failure))
    Responses.error_document = {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}}


_responses()


class Gemini:
    """Gemini. The frame with a reason to finish is the last one of every answer."""

    @staticmethod
    def frame(text, **candidate):
        return b"data: " + json.dumps({
            "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **candidate}],
            "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10},
            "modelVersion": "upstream-name", "responseId": "resp-1"}).encode() + b"\r\n\r\n"

    begin = []
    content = list(map(frame, WORDS))
    end = [frame("", finishReason="STOP"), b"\r\n", b"\r\n"]
    error_document = {"error": {"code": 500, "message": "boom", "status": "INTERNAL"}}
    error = b"data: " + json.dumps(error_document).encode() + b"\r\n\r\n"
    whole = json.loads(frame(TEXT, finishReason="STOP").decode()[6:])


def stream(frames, end=END):
    """A whole chunked answer, one chunk for each frame."""
    return STREAM_HEAD + b"".join(chunk(frame) for frame in frames) + end
