"""An asyncio server on a loop and a thread of its own."""

import asyncio
import threading


class Background:
    """Serves connections until it is stopped. Whoever inherits says what a connection does in `_connection`."""

    def __init__(self, port=0, backlog=256):
        self.port = port
        self._backlog = backlog
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(10)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(
            self._connection, "127.0.0.1", self.port, limit=1 << 26, backlog=self._backlog))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()
        server.close()
