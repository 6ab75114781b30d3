"""The requests and answers that are sent through the proxies."""

import json

FILLER = "The quick brown fox jumps over the lazy dog. "
USAGE = {"prompt_tokens": 312, "completion_tokens": 60, "total_tokens": 372, "prompt_tokens_details": {"cached_tokens": 0}}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def chat_request(stream=False, size=1350, model="bench-model"):
    """A chat request of about `size` bytes more than its frame, as an SDK sends it."""
    text = (FILLER * (size // len(FILLER) + 1))[:size]
    body = {"model": model, "messages": [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": text}],
            "temperature": 0.7, "stream": stream}
    if stream:
        body["stream_options"] = {"include_usage": True}
    return compact(body)


def image_request(size):
    """A chat request with one base64 image of about `size` bytes."""
    data = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA" * (size // 80 + 1))[:size // 4 * 4]
    return compact({"model": "bench-model", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + data}}]}]})


def chat_answer():
    return compact({
        "id": "chatcmpl-bench", "object": "chat.completion", "created": 1763690000, "model": "bench-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there. " * 20, "refusal": None},
                     "logprobs": None, "finish_reason": "stop"}], "usage": USAGE})


def chat_stream(frames=30):
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1763690000, "model": "bench-model"}
    chunks = [{**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}]
    chunks += [{**head, "choices": [{"index": 0, "delta": {"content": f" word{n}"}, "finish_reason": None}]}
               for n in range(frames)]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({**head, "choices": [], "usage": {**USAGE, "completion_tokens": frames, "total_tokens": 312 + frames}})
    return "".join(f"data: {compact(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def messages_request(stream=False, size=1350, model="bench-model"):
    text = (FILLER * (size // len(FILLER) + 1))[:size]
    return compact({"model": model, "max_tokens": 1024, "system": "You are helpful.", "temperature": 0.7, "stream": stream,
                    "messages": [{"role": "user", "content": text}]})


def messages_answer():
    return compact({"id": "msg_bench", "type": "message", "role": "assistant", "model": "bench-model",
                    "content": [{"type": "text", "text": "Hello there. " * 20}], "stop_reason": "end_turn",
                    "stop_sequence": None, "usage": {"input_tokens": 312, "output_tokens": 60}})


def messages_stream(frames=30):
    events = [{"type": "message_start", "message": {
        "id": "msg_bench", "type": "message", "role": "assistant", "model": "bench-model", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 312, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
    events += [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f" word{n}"}}
               for n in range(frames)]
    events += [{"type": "content_block_stop", "index": 0},
               {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": frames}}, {"type": "message_stop"}]
    return "".join(f"event: {event['type']}\ndata: {compact(event)}\n\n" for event in events)
