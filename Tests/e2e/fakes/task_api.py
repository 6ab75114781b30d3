"""The endpoints of an OpenAI-compatible upstream beside the conversations, as strict as the vendor.

JSON bodies are checked against the parameter types of the official SDK, forms by a parser that forgives nothing. A
`prompt` or `input` can ask for trouble: `fail N` answers with status N, `cut` breaks off in the middle of the answer,
`disguise` reports an error with status 200, `page` answers with a page.
"""

import base64
import hashlib
import json
import re
import struct

from openai.types import (completion_create_params, embedding_create_params, image_edit_params, image_generate_params,
                          moderation_create_params)
from openai.types.audio import speech_create_params

from .records import Records
from .schema import check
from .server import Server

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(600)).decode()
SOUND = bytes(range(256)) * 400
TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm", "opus": "audio/opus"}


class Part:
    def __init__(self, name, filename, content_type, data):
        self.name, self.filename, self.content_type, self.data = name, filename, content_type, data

    @property
    def text(self):
        return self.data.decode()


def parse_form(content_type, body):
    """The parts of a form, in order; raises ValueError for whatever a strict server would refuse."""
    found = re.fullmatch(r'multipart/form-data; boundary="?([^";]+)"?', content_type)
    if not found:
        raise ValueError(f"no form: {content_type}")
    line = b"--" + found[1].encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + line)
    if pieces[0] != b"" or not pieces[-1].startswith(b"--"):
        raise ValueError("the boundaries do not enclose the body")
    parts = []
    for piece in pieces[1:-1]:
        if not piece.startswith(b"\r\n"):
            raise ValueError("a boundary line goes on")
        head, separator, data = piece[2:].partition(b"\r\n\r\n")
        if not separator:
            raise ValueError("a part has no end of headers")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        headers = {name.lower(): value for name, value in headers.items()}
        disposition = headers["content-disposition"]
        name = re.search(r' name="([^"]*)"', disposition)[1]
        filename = re.search(r'filename="([^"]*)"', disposition)
        parts.append(Part(name, filename and filename[1], headers.get("content-type"), data))
    return parts


class Trouble(Exception):
    def __init__(self, status, message, code=None):
        super().__init__(message)
        self.status, self.code = status, code


class TaskUpstream:
    def __init__(self, key="sk-upstream-1", failing=None, port=0):
        self.key, self.failing = key, failing
        self.records = Records()
        self.server = Server(self.handle, port)
        self.url = self.server.url
        self.routes = {
            "/v1/embeddings": self.embeddings, "/v1/completions": self.completions,
            "/v1/moderations": self.moderations, "/v1/rerank": self.rerank,
            "/v1/images/generations": self.generations, "/v1/images/edits": self.edits,
            "/v1/images/variations": self.variations, "/v1/audio/speech": self.speech,
            "/v1/audio/transcriptions": self.transcriptions, "/v1/audio/translations": self.translations,
        }

    def stop(self):
        self.server.stop()

    async def handle(self, request, answer):
        try:
            if request.headers.get("authorization") != f"Bearer {self.key}":
                raise Trouble(401, "Incorrect API key provided.", "invalid_api_key")
            if request.method != "POST" or request.path not in self.routes:
                raise Trouble(404, f"Invalid URL ({request.method} {request.path})")
            self.records.received(request, None)
            if self.failing:
                raise Trouble(self.failing, "The server is having a bad day.")
            await self.routes[request.path](request, answer)
        except (ValueError, KeyError) as problem:
            await self.error(answer, Trouble(400, f"{type(problem).__name__}: {problem}"))
        except Trouble as trouble:
            await self.error(answer, trouble)

    @staticmethod
    async def error(answer, trouble):
        await answer.document(trouble.status, {"error": {
            "message": str(trouble), "type": "invalid_request_error", "param": None, "code": trouble.code}})

    @staticmethod
    def checked(request, *kinds):
        body = request.json()
        problems = [check(body, kind) for kind in kinds]
        if all(problems):
            raise Trouble(400, min(problems, key=len)[0])
        return body

    @staticmethod
    async def mischief(answer, text):
        """Does what the text asks for; True if that was the answer."""
        found = re.match(r"fail (\d+)", text)
        if found:
            raise Trouble(int(found[1]), f"as you wish: {text}")
        if text == "disguise":
            await answer.document(200, {"error": {"message": "upstream is broken", "type": "server_error"}})
        elif text == "page":
            await answer.document(200, b"<!DOCTYPE html><title>Welcome</title>")
        return text in ("disguise", "page")

    # JSON

    async def embeddings(self, request, answer):
        body = self.checked(request, embedding_create_params.EmbeddingCreateParams)
        inputs = body["input"]
        inputs = [inputs] if isinstance(inputs, str) or isinstance(inputs[0], int) else inputs
        if await self.mischief(answer, str(inputs[0])):
            return
        size = body.get("dimensions", 4)
        data = []
        for index, text in enumerate(inputs):
            values = [float(len(text))] + [0.5] * (size - 1)
            if body.get("encoding_format") == "base64":
                values = base64.b64encode(struct.pack(f"<{size}f", *values)).decode()
            data.append({"object": "embedding", "index": index, "embedding": values})
        await answer.document(200, {"object": "list", "data": data, "model": body["model"],
                                    "usage": {"prompt_tokens": 7 * len(inputs), "total_tokens": 7 * len(inputs)}})

    async def completions(self, request, answer):
        body = self.checked(request, completion_create_params.CompletionCreateParamsNonStreaming,
                            completion_create_params.CompletionCreateParamsStreaming)
        prompt = body["prompt"]
        if await self.mischief(answer, str(prompt)):
            return
        text = f"{prompt} and so on"
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        head = {"id": "cmpl-1", "object": "text_completion", "created": 1763690000, "model": body["model"]}
        if not body.get("stream"):
            return await answer.document(200, {**head, "choices": [
                {"text": text, "index": 0, "finish_reason": "stop", "logprobs": None}], "usage": usage})
        await answer.begin_stream()
        for piece in [text[:4], text[4:]]:
            chunk = {**head, "choices": [{"text": piece, "index": 0, "finish_reason": None, "logprobs": None}]}
            await answer.chunk(f"data: {json.dumps(chunk)}\n\n")
        if prompt == "cut":
            return answer.cut()
        last = {**head, "choices": [{"text": "", "index": 0, "finish_reason": "stop", "logprobs": None}]}
        await answer.chunk(f"data: {json.dumps(last)}\n\n")
        if (body.get("stream_options") or {}).get("include_usage"):
            await answer.chunk(f"data: {json.dumps({**head, 'choices': [], 'usage': usage})}\n\n")
        await answer.chunk("data: [DONE]\n\n")
        await answer.end_stream()

    async def moderations(self, request, answer):
        body = self.checked(request, moderation_create_params.ModerationCreateParams)
        if await self.mischief(answer, str(body["input"])):
            return
        names = ["harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent",
                 "self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence",
                 "violence/graphic"]
        flagged = "attack" in json.dumps(body["input"])
        await answer.document(200, {"id": "modr-1", "model": body.get("model", "omni-moderation-latest"), "results": [{
            "flagged": flagged, "categories": {name: flagged for name in names},
            "category_scores": {name: 0.9 if flagged else 0.01 for name in names},
            "category_applied_input_types": {name: ["text"] for name in names}}]})

    async def rerank(self, request, answer):
        body = request.json()
        known = {"model", "query", "documents", "top_n", "max_tokens_per_doc", "return_documents"}
        if set(body) - known or not isinstance(body["documents"], list):
            raise Trouble(422, f"unknown members {set(body) - known}")
        if await self.mischief(answer, body["query"]):
            return
        order = sorted(range(len(body["documents"])), key=lambda index: body["query"] not in body["documents"][index])
        results = [{"index": index, "relevance_score": 0.9 - 0.1 * place} for place, index in enumerate(order)]
        await answer.document(200, {"id": "rr-1", "model": body["model"], "results": results[:body.get("top_n")],
                                    "meta": {"billed_units": {"search_units": 1}}})

    # Images

    async def generations(self, request, answer):
        body = self.checked(request, image_generate_params.ImageGenerateParamsNonStreaming,
                            image_generate_params.ImageGenerateParamsStreaming)
        if await self.mischief(answer, body["prompt"]):
            return
        if body.get("stream"):
            return await self.paint(answer, "image_generation", body.get("partial_images", 1), body["prompt"])
        await self.pictures(answer, body.get("n") or 1)

    async def edits(self, request, answer):
        parts = parse_form(request.headers["content-type"], request.body)
        fields = {part.name: part.text for part in parts if part.filename is None}
        allowed = set(image_edit_params.ImageEditParamsBase.__annotations__) | {"image[]", "stream"}
        if {part.name for part in parts} - allowed:
            raise Trouble(400, f"unknown parts {sorted({part.name for part in parts} - allowed)}")
        images = [part for part in parts if part.filename and part.name in ("image", "image[]")]
        if not images:
            raise Trouble(400, "image is missing")
        self.records.finished(path=request.path, fields=fields, size=len(request.body), files=[
            (part.name, part.filename, part.content_type, hashlib.sha256(part.data).hexdigest()) for part in images])
        if await self.mischief(answer, fields["prompt"]):
            return
        if fields.get("stream") == "true":
            return await self.paint(answer, "image_edit", 1, fields["prompt"])
        await self.pictures(answer, int(fields.get("n", 1)))

    async def variations(self, request, answer):
        parts = parse_form(request.headers["content-type"], request.body)
        fields = {part.name: part.text for part in parts if part.filename is None}
        self.records.finished(path=request.path, fields=fields, size=len(request.body), files=[])
        await self.pictures(answer, int(fields.get("n", 1)))

    @staticmethod
    async def pictures(answer, count):
        await answer.document(200, {
            "created": 1763690000, "data": [{"b64_json": PNG} for _ in range(count)], "output_format": "png",
            "quality": "low", "size": "1024x1024", "background": "opaque", "usage": {
                "input_tokens": 9, "input_tokens_details": {"image_tokens": 0, "text_tokens": 9},
                "output_tokens": 272, "total_tokens": 281}})

    @staticmethod
    async def paint(answer, kind, partial_images, prompt):
        facts = {"background": "opaque", "created_at": 1763690000, "output_format": "png", "quality": "low",
                 "size": "1024x1024"}
        await answer.begin_stream()
        for index in range(partial_images):
            data = {"type": f"{kind}.partial_image", "b64_json": PNG, "partial_image_index": index, **facts}
            await answer.chunk(f"event: {kind}.partial_image\ndata: {json.dumps(data)}\n\n")
        if prompt == "cut":
            return answer.cut()
        data = {"type": f"{kind}.completed", "b64_json": PNG, **facts, "usage": {
            "input_tokens": 9, "input_tokens_details": {"image_tokens": 0, "text_tokens": 9}, "output_tokens": 272,
            "total_tokens": 281}}
        await answer.chunk(f"event: {kind}.completed\ndata: {json.dumps(data)}\n\n")
        await answer.end_stream()

    # Audio

    async def speech(self, request, answer):
        body = self.checked(request, speech_create_params.SpeechCreateParams)
        if await self.mischief(answer, body["input"]):
            return
        if body.get("stream_format") == "sse":
            await answer.begin_stream()
            data = {"type": "speech.audio.delta", "audio": base64.b64encode(SOUND[:300]).decode()}
            await answer.chunk(f"data: {json.dumps(data)}\n\n")
            data = {"type": "speech.audio.done",
                    "usage": {"input_tokens": 12, "output_tokens": 40, "total_tokens": 52}}
            await answer.chunk(f"data: {json.dumps(data)}\n\n")
            return await answer.end_stream()
        kind = TYPES[body.get("response_format", "mp3")]
        if body["input"] == "empty":
            answer.writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: 0\r\n\r\n".encode())
            return await answer.writer.drain()
        if body["input"] == "measured":
            length = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(SOUND)}\r\n\r\n"
            answer.writer.write(length.encode() + SOUND)
            return await answer.writer.drain()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
        answer.writer.write(head.encode())
        for start in range(0, len(SOUND), 30_000):
            await answer.chunk(SOUND[start:start + 30_000])
            if body["input"] == "cut":
                return answer.cut()
        await answer.end_stream()

    async def transcriptions(self, request, answer):
        await self.transcribe(request, answer, "transcribe")

    async def translations(self, request, answer):
        await self.transcribe(request, answer, "translate")

    async def transcribe(self, request, answer, task):
        parts = parse_form(request.headers["content-type"], request.body)
        fields = {part.name: part.text for part in parts if part.filename is None}
        file = next(part for part in parts if part.name == "file")
        self.records.finished(path=request.path, fields=fields, size=len(request.body), files=[
            (file.name, file.filename, file.content_type, hashlib.sha256(file.data).hexdigest())])
        if await self.mischief(answer, fields.get("prompt", "")):
            return
        text = f"{len(file.data)} bytes of {file.filename}"
        kind = fields.get("response_format", "json")
        if fields.get("stream") == "true" and fields["model"] != "whisper-1":
            await answer.begin_stream()
            for piece in (text[:5], text[5:]):
                data = {"type": "transcript.text.delta", "delta": piece}
                await answer.chunk(f"data: {json.dumps(data)}\n\n")
            data = {"type": "transcript.text.done", "text": text, "usage": {
                "type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59,
                "input_token_details": {"text_tokens": 0, "audio_tokens": 14}}}
            await answer.chunk(f"data: {json.dumps(data)}\n\n")
            return await answer.end_stream()
        if kind in ("text", "srt", "vtt"):
            lines = {"text": f"{text}\n", "srt": f"1\n00:00:00,000 --> 00:00:01,000\n{text}\n",
                     "vtt": f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{text}\n"}[kind].encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {len(lines)}\r\n\r\n"
            answer.writer.write(head.encode() + lines)
            return await answer.writer.drain()
        if kind == "verbose_json":
            return await answer.document(200, {"task": task, "language": "english", "duration": 8.47, "text": text,
                                               "segments": [], "usage": {"type": "duration", "seconds": 9}})
        await answer.document(200, {"text": text, "usage": {"type": "duration", "seconds": 9}})
