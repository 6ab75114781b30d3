"""A small HTTP/1.1 server over asyncio, in a thread of its own, whose handlers decide about every byte they send."""

import asyncio
import json

from fakes.background import Background


class Request:
    def __init__(self, method, target, headers, body):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Answer:
    """Writes one answer. A handler that returns without sending anything lets the connection hang until it is closed."""

    def __init__(self, writer):
        self.writer = writer
        self.keep_alive = True

    async def document(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
        lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}"]
        lines += [f"{name}: {text}" for name, text in headers]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()

    async def begin_stream(self, headers=()):
        lines = ["HTTP/1.1 200 OK", "content-type: text/event-stream; charset=utf-8", "transfer-encoding: chunked"]
        lines += [f"{name}: {text}" for name, text in headers]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        await self.writer.drain()

    async def chunk(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()

    async def end_stream(self):
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    def cut(self):
        """Breaks the connection without ending the body."""
        self.keep_alive = False
        self.writer.transport.abort()


class Server(Background):
    """Runs `handler(request, answer)` for every request until `stop`."""

    def __init__(self, handler, port=0):
        self.handler = handler
        super().__init__(port, backlog=1024)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def _connection(self, reader, writer):
        try:
            while True:
                request = await self._read(reader)
                if request is None:
                    break
                answer = Answer(writer)
                await self.handler(request, answer)
                if not answer.keep_alive:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def _read(reader):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(method, target, headers, body)
