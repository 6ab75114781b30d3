"""An upstream that does exactly what a test tells it: raw bytes, pauses, and the ways a connection can end."""

import asyncio
import socket
import struct
import threading
import time

from fakes.background import Background

CLOSE, RESET, HOLD, NEXT = "close", "reset", "hold", "next"


class Flood:
    """Repeats bytes until the peer closes the connection."""

    def __init__(self, data):
        self.data = data


class Until:
    """Waits until the test says so, or the peer closes the connection."""

    def __init__(self):
        self._event = threading.Event()

    def open(self):
        self._event.set()

    async def wait(self, watch):
        while not self._event.is_set() and not watch.done():
            await asyncio.sleep(0.005)


class Call:
    """One request as it arrived, and what became of its connection."""

    def __init__(self, head, body):
        self.head = head
        self.body = body
        self.sent = 0
        self.arrived_at = time.monotonic()
        self.closed_at = None
        self.closed = threading.Event()


class ScriptedUpstream(Background):
    """Plays the script of the first path segment: bytes are written, numbers are pauses in seconds, words end it.

    `HOLD` waits until the peer closes, `NEXT` keeps the connection for another request. A script without an ending closes.
    A function as script is asked for the steps of every call.
    """

    def __init__(self):
        self._scripts = {}
        self._calls = {}
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        super().__init__()

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/{name}"

    def play(self, name, *steps):
        self._scripts[name] = steps

    def play_in_turn(self, name, *scripts):
        """The first call gets the first script, and so on; the last one is for all that follow."""
        self._scripts[name] = lambda call, number: scripts[min(number, len(scripts) - 1)]

    def play_by(self, name, choose):
        """The script that `choose` returns for a call."""
        self._scripts[name] = lambda call, number: choose(call)

    def calls(self, name):
        with self._lock:
            return list(self._calls.get(name, ()))

    def call(self, name, number=0, seconds=5):
        """Waits for a call to arrive."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._calls.get(name, ())) > number, seconds):
                raise AssertionError(f"{name} was not called")
            return self._calls[name][number]

    async def _connection(self, reader, writer):
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                       if line.startswith(b"content-length:")), 0)
        call = Call(head, await reader.readexactly(length))
        call.peer = writer.get_extra_info("peername")
        name = head.split(b" ")[1].split(b"/")[1].decode()
        with self._arrived:
            calls = self._calls.setdefault(name, [])
            calls.append(call)
            script = self._scripts[name]
            steps = script(call, len(calls) - 1) if callable(script) else script
            self._arrived.notify_all()
        watch = asyncio.ensure_future(reader.read(1))
        try:
            return await self._play(steps, call, watch, writer)
        finally:
            watch.cancel()
            await asyncio.wait({watch})
            call.closed_at = time.monotonic()
            call.closed.set()

    async def _play(self, steps, call, watch, writer):
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
                call.sent += len(step)
            elif isinstance(step, (int, float)):
                await asyncio.sleep(step)
            elif isinstance(step, Flood):
                while not watch.done():
                    writer.write(step.data)
                    drain = asyncio.ensure_future(writer.drain())
                    await asyncio.wait({drain, watch}, return_when=asyncio.FIRST_COMPLETED)
                    drain.cancel()
                    call.sent += len(step.data)
            elif isinstance(step, Until):
                await step.wait(watch)
            elif step == HOLD:
                await watch
            elif step == RESET:
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            elif step == NEXT:
                return True
        return False
