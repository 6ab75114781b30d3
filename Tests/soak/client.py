"""Clients of every manner: quick, slow, half-closed, leaving, mistaken. Each writes down what became of its requests."""

import asyncio
import itertools
import json
from dataclasses import dataclass

#: Manners of a client and how often of a hundred times.
MANNERS = {"plain": 60, "slow": 8, "leaves": 12, "leaves at once": 4, "half-closed": 6, "mistaken": 5, "stranger": 5}
NUMBERS = itertools.count(1)


@dataclass
class Sent:
    number: int
    manner: str
    stream: bool
    dialect: str
    request_id: str | None = None
    status: int | None = None
    #: The whole answer arrived, up to the end that its format has.
    complete: bool = False
    #: The answer ended with an error of the dialect.
    told: bool = False
    #: The upstream's answer as far as it names a number of tokens.
    tokens: int | None = None
    #: What came of a stream, as text.
    text: str = ""
    #: Neither an end nor an error nor a close: the client waited in vain.
    hung: bool = False


class Client:
    """One connection after the other, one request after the other."""

    def __init__(self, port, key, random, sent, models):
        self.port, self.key, self.random, self.sent, self.models = port, key, random, sent, models
        self.reader = self.writer = None

    async def run(self, until, pause):
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            request = self.plan()
            self.sent.append(request)
            try:
                # A slow one pauses behind each of up to 500 pieces, and longer than it wants on a busy machine.
                await asyncio.wait_for(self.one(request), 120 if request.manner == "slow" else 40)
            except asyncio.TimeoutError:
                request.hung = True
                self.close()
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                self.close()
            await asyncio.sleep(self.random.expovariate(1 / pause))
        self.close()

    def plan(self):
        manner = self.random.choices(list(MANNERS), MANNERS.values())[0]
        return Sent(next(NUMBERS), manner, self.random.random() < 0.6, self.random.choice(("openai", "anthropic")))

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None

    def bytes(self, request):
        body = {"model": self.random.choice(self.models), "stream": request.stream, "messages": [
            {"role": "user", "content": f"say {request.number} " + "x" * self.random.choice((0, 100, 2000, 60000))}]}
        path = "/v1/chat/completions"
        if request.dialect == "anthropic":
            body["max_tokens"], path = 100, "/v1/messages"
        elif request.stream:
            body["stream_options"] = {"include_usage": True}
        data = json.dumps(body).encode()
        if request.manner == "mistaken":
            data = data[:-1]
        key = "sk-nobody-knows-me" if request.manner == "stranger" else self.key
        return (f"POST {path} HTTP/1.1\r\nhost: soak\r\nauthorization: Bearer {key}\r\n"
                f"content-length: {len(data)}\r\n\r\n").encode() + data

    async def one(self, request):
        if self.writer is None or self.writer.is_closing() or self.reader.at_eof():
            self.close()
            limit = 4096 if request.manner == "slow" else 1 << 20
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=limit)
        self.writer.write(self.bytes(request))
        await self.writer.drain()
        if request.manner == "leaves at once":
            return self.close()
        if request.manner == "half-closed":
            self.writer.write_eof()
        fields = await self.head(request)
        await self.body(request, fields)
        if fields.get("connection") == "close" or request.manner == "half-closed":
            self.close()

    async def head(self, request):
        while True:
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            request.status = int(lines[0].split(" ")[1])
            if request.status >= 200:
                break
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        request.request_id = fields.get("x-request-id")
        return fields

    async def body(self, request, fields):
        if "content-length" in fields:
            document = json.loads(await self.reader.readexactly(int(fields["content-length"])))
            if request.status == 200:
                usage = document["usage"]
                request.tokens = usage.get("completion_tokens", usage.get("output_tokens"))
                request.complete = True
            else:
                request.told = "error" in document
            return
        data, pieces = b"", 0
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            piece = await self.reader.readexactly(size + 2)
            if not size:
                break
            data += piece[:-2]
            pieces += 1
            if request.manner == "leaves" and pieces > 3:
                return self.close()
            if request.manner == "slow":
                await asyncio.sleep(0.02)
        self.read_stream(request, data)

    @staticmethod
    def read_stream(request, data):
        ending = b"data: [DONE]" if request.dialect == "openai" else b'"message_stop"'
        for frame in data.split(b"\n\n"):
            text = frame.partition(b"data: ")[2]
            if not text.startswith(b"{"):
                continue
            event = json.loads(text)
            usage = event.get("usage") or {}
            request.tokens = usage.get("completion_tokens", usage.get("output_tokens", request.tokens))
            request.told = request.told or "error" in event
            if request.dialect == "openai":
                request.text += "".join(choice["delta"].get("content") or "" for choice in event.get("choices", ()))
            else:
                request.text += event.get("delta", {}).get("text", "")
        request.complete = ending in data
