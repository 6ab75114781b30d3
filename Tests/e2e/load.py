"""Concurrent load in which every request is numbered, so that each can be found again on both sides of the gateway.

The number is part of the prompt, and the upstream reports it as the count of output tokens: the ledger row, the answer
of the upstream and the response that the client received can be compared one by one.
"""

import asyncio
import http.client
import itertools
import json
import random
import threading
from dataclasses import dataclass

from fakes.openai_api import OpenAIUpstream

#: What the fake upstream reports for a conversation of one message.
INPUT_TOKENS, CACHED_TOKENS = 12, 3
TEXT = "the quick brown fox jumps over the lazy dog"


class NumberedUpstream(OpenAIUpstream):
    """Answers after a short, irregular time, piece by piece, and counts output tokens as the prompt's number."""

    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)

    def problem(self, body):
        """The shape of requests is checked by other tests; here it would take most of the time."""
        return None

    def turn(self, body):
        turn = super().turn(body)
        number = number_of(body)
        turn.output_tokens = lambda: number
        return turn

    async def complete(self, body, answer):
        await asyncio.sleep(self.random.choice((0, 0, 0.002, 0.02)))
        await super().complete(body, PacedAnswer(answer, self.random.choice((0, 0, 0.001, 0.004))))

    def received_numbers(self):
        return [number_of(body) for _, body in list(self.records.requests)]

    def answered_numbers(self):
        return [facts["output"] for facts in list(self.records.answered)]


class PacedAnswer:
    """An answer whose pieces come one after the other and not at once."""

    def __init__(self, answer, pause):
        self.answer = answer
        self.pause = pause

    def __getattr__(self, name):
        return getattr(self.answer, name)

    async def chunk(self, text):
        await asyncio.sleep(self.pause)
        await self.answer.chunk(text)


def number_of(body):
    return int(body["messages"][-1]["content"].split()[1])


@dataclass
class Sent:
    """One request of a client and what came of it."""

    number: int
    worker: int
    round: int
    stream: bool
    request_id: str | None = None
    status: int | None = None
    #: The whole answer arrived: a JSON document, or a stream up to its [DONE] and the end of the body.
    complete: bool = False
    #: The client hung up on purpose.
    abandoned: bool = False
    #: (input, output, cached) as the client was told; None when a stream was not asked for them.
    tokens: tuple | None = None
    #: The upstream's id of the answer.
    answer_id: str | None = None


class Worker(threading.Thread):
    """A client that sends one request after the other until the connection breaks, or somebody says stop."""

    numbers = itertools.count(1)

    def __init__(self, port, key, model, worker, round, seed):
        super().__init__(daemon=True)
        self.port, self.key, self.model, self.worker, self.round = port, key, model, worker, round
        self.random = random.Random(seed)
        self.sent = []
        self.stopped = False

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            while not self.stopped:
                self.one(connection)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def one(self, connection):
        stream, wants_usage, leaves = self.random.random() < 0.5, self.random.random() < 0.5, self.random.random() < 0.1
        request = Sent(next(self.numbers), self.worker, self.round, stream)
        body = {"model": self.model, "messages": [{"role": "user", "content": f"say {request.number} {TEXT}"}]}
        if stream:
            body["stream"] = True
            if wants_usage:
                body["stream_options"] = {"include_usage": True}
        self.sent.append(request)
        connection.request("POST", "/v1/chat/completions", json.dumps(body).encode(), {
            "authorization": f"Bearer {self.key}", "content-type": "application/json"})
        response = connection.getresponse()
        request.status = response.status
        request.request_id = response.getheader("x-request-id")
        if leaves and stream:
            request.abandoned = True
            response.read(1)
            response.close()
            connection.close()
            return
        data = response.read()
        if response.status == 200:
            self.take(request, data)

    @staticmethod
    def take(request, data):
        if not request.stream:
            last = json.loads(data)
        else:
            frames = [frame.removeprefix(b"data: ") for frame in data.split(b"\n\n") if frame]
            if not frames or frames[-1] != b"[DONE]":
                return
            last = json.loads(frames[-2])
        request.answer_id = last["id"]
        if usage := last.get("usage"):
            request.tokens = (usage["prompt_tokens"], usage["completion_tokens"],
                              usage["prompt_tokens_details"]["cached_tokens"])
        request.complete = True
