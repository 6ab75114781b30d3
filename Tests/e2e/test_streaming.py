"""A stream reaches the client while the upstream is still writing it: no piece waits for the one after it."""

import asyncio
import http.client
import json
import threading

import pytest
from fakes.anthropic_api import AnthropicUpstream
from fakes.openai_api import OpenAIUpstream
from fakes.responses_api import ResponsesUpstream
from gateway import KEY, Running, anthropic_site, openai_site, responses_site

TEXT = "some words that go out in several pieces"


class Gate:
    """An answer of which a marked piece, and all after it, is held back until somebody opens."""

    def __init__(self, answer, opened, mark):
        self.answer, self.opened, self.mark = answer, opened, mark

    def __getattr__(self, name):
        return getattr(self.answer, name)

    async def chunk(self, text):
        while self.mark in text and not self.opened.is_set():
            await asyncio.sleep(0.01)
        await self.answer.chunk(text)


class Gated:
    """An upstream that does not go on until `opened` is set, once it has sent the first pieces of the text."""

    def __init__(self):
        super().__init__()
        self.opened = threading.Event()

    async def complete(self, body, answer):
        # The text goes out in pieces of four characters; this one is in the middle.
        await super().complete(body, Gate(answer, self.opened, '"go o"'))


class GatedOpenAI(Gated, OpenAIUpstream):
    pass


class GatedAnthropic(Gated, AnthropicUpstream):
    pass


class GatedResponses(Gated, ResponsesUpstream):
    pass


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
@pytest.mark.parametrize("make, site, model", [
    (GatedOpenAI, openai_site, "gpt-4o-mini"), (GatedAnthropic, anthropic_site, "claude-haiku-5"),
    (GatedResponses, responses_site, "gpt-5-mini")], ids=["openai upstream", "anthropic upstream", "responses upstream"])
def test_pieces_arrive_while_the_upstream_waits(tmp_path, make, site, model, path):
    upstream = make()
    running = Running(tmp_path, site(upstream.url))
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=3)
    try:
        body = {"input": f"say {TEXT}"} if path.endswith("responses") else {
            "max_tokens": 100, "messages": [{"role": "user", "content": f"say {TEXT}"}]}
        connection.request("POST", path, json.dumps({"model": model, "stream": True, **body}), {
            "authorization": f"Bearer {KEY}", "content-type": "application/json"})
        response = connection.getresponse()
        seen = b""
        while text_of(seen) != TEXT[:16]:
            piece = response.read1(65536)
            assert piece, seen
            seen += piece
        upstream.opened.set()
        seen += response.read()
        assert text_of(seen) == TEXT
    finally:
        upstream.opened.set()
        connection.close()
        running.stop()
        upstream.stop()


def text_of(stream):
    """The text of all whole frames, in any format."""
    text = ""
    for frame in stream.decode().split("\n\n")[:-1]:
        data = next((line[6:] for line in frame.split("\n") if line.startswith("data: ")), "[DONE]")
        event = json.loads(data) if data != "[DONE]" else {}
        for choice in event.get("choices") or []:
            text += choice["delta"].get("content") or ""
        if event.get("type") == "content_block_delta":
            text += event["delta"].get("text", "")
        if event.get("type") == "response.output_text.delta":
            text += event["delta"]
    return text
