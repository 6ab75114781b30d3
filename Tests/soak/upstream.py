"""Upstreams of both formats that misbehave as a number in the prompt says, and remember what they answered."""

import asyncio
import json
import random
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from fakes.frames import STREAM_HEAD, Chat, Messages, chunk, document  # noqa: E402

#: What an upstream may do to a request, and how often of a thousand times.
BEHAVIOURS = {"good": 850, "long": 40, "slow": 60, "500": 6, "503": 4, "429": 4, "reset": 4, "cut": 8, "stall": 2,
              "malformed": 4, "silent head": 2, "400": 16}
WORDS = [f"word-{number} " for number in range(12)]
TEXT = "".join(WORDS)


class Site:
    """One upstream: its own port, its own seed, its own memory."""

    def __init__(self, name, kind, seed):
        self.name = name
        self.kind = {"chat": Chat, "messages": Messages}[kind]
        self.is_chat = kind == "chat"
        self.random = random.Random(seed)
        #: Numbers of requests whose answer was written to its end, with how often.
        self.answered = {}
        self.calls = 0

    async def start(self):
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, backlog=512, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]

    async def connection(self, reader, writer):
        try:
            while await self.exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        body = json.loads(await reader.readexactly(length))
        self.calls += 1
        *others, last = [self.text(message) for message in body["messages"]]
        begun = last if body["messages"][-1]["role"] == "assistant" else ""
        number = int((others[-1] if begun else last).split()[1])
        behaviour = self.random.choices(list(BEHAVIOURS), BEHAVIOURS.values())[0]
        return await self.behave(behaviour, number, bool(body.get("stream")), writer, begun)

    @staticmethod
    def text(message):
        content = message["content"]
        return content if isinstance(content, str) else content[0]["text"]

    async def behave(self, behaviour, number, is_stream, writer, begun=""):
        match behaviour:
            case "reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return False
            case "silent head":
                await asyncio.sleep(1.5)
                return False
            case "400" | "429" | "500" | "503":
                headers = [("retry-after", "1")] if behaviour == "429" else []
                writer.write(document(self.kind.error_document, int(behaviour), headers))
                await writer.drain()
                return True
        if not is_stream:
            return await self.whole(behaviour, number, writer)
        return await self.stream(behaviour, number, writer, begun)

    async def whole(self, behaviour, number, writer):
        answer = document(self.numbered(self.kind.whole, number))
        if behaviour in ("cut", "stall", "malformed"):
            writer.write(answer[:-30])
            await writer.drain()
            return False
        if behaviour == "slow":
            await asyncio.sleep(0.3)
        writer.write(answer)
        await writer.drain()
        self.note(number)
        return True

    @staticmethod
    def rest(begun):
        """What is missing of the text, with the white space at the beginning of a word, as models have it."""
        whole = len(TEXT) * -(-max(1, len(begun)) // len(TEXT))
        return [f" {word}" for word in (TEXT * (whole // len(TEXT)))[len(begun):].split()] + [" "]

    async def stream(self, behaviour, number, writer, begun):
        words = self.rest(begun) if begun else WORDS * (40 if behaviour == "long" else 1)
        frames = [self.word(word) for word in words]
        writer.write(STREAM_HEAD + b"".join(map(chunk, self.kind.begin)))
        for position, frame in enumerate(frames):
            if behaviour == "slow":
                await asyncio.sleep(0.05)
            if position == 6:
                if behaviour == "cut":
                    await writer.drain()
                    return False
                if behaviour == "stall":
                    await asyncio.sleep(3)
                    return False
                if behaviour == "malformed":
                    frame = frame.replace(b"}", b"", 1)
            writer.write(chunk(frame))
            await writer.drain()
        if behaviour == "malformed":
            return False
        ends = [frame.replace(b'"completion_tokens": 3', b'"completion_tokens": %d' % number).replace(
            b'"output_tokens": 3', b'"output_tokens": %d' % number) for frame in self.kind.end]
        # What is written here can reach the client before this coroutine goes on.
        self.note(number)
        writer.write(b"".join(map(chunk, ends)) + b"0\r\n\r\n")
        await writer.drain()
        return True

    def word(self, word):
        if self.is_chat:
            return Chat.frame({"content": word})
        return Messages.frame("content_block_delta", index=0, delta={"type": "text_delta", "text": word})

    def numbered(self, whole, number):
        usage = {**whole["usage"], ("completion_tokens" if self.is_chat else "output_tokens"): number}
        return {**whole, "usage": usage}

    def note(self, number):
        self.answered[number] = self.answered.get(number, 0) + 1
