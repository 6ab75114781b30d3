"""nginx as a reverse proxy in front of an upstream that records what reaches it."""

import asyncio
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass

import httpx
from gateway import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

CONFIGURATION = """
daemon off; worker_processes 1; error_log {directory}/error.log info; pid {directory}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  merge_slashes off;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Client-Port $remote_port;
    }}
  }}
}}
"""


@dataclass
class Recorded:
    """A request as nginx understood it."""

    method: str
    target: str
    body: bytes


class RecordingUpstream:
    """Answers everything with 200, and keeps for each client port what came."""

    def __init__(self):
        self.records = {}
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(10)

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    async def _connection(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = head.split("\r\n")
                fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
                body = await self._body(fields, reader)
                method, target, _ = lines[0].split(" ")
                self.records.setdefault(int(fields.get("x-client-port", 0)), []).append(Recorded(method, target, body))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n" + (b"" if method == "HEAD" else b"ok\n"))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def _body(fields, reader):
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readuntil(b"\r\n")
            return body
        return await reader.readexactly(int(fields.get("content-length", 0)))


class Nginx:
    def __init__(self, directory):
        self.upstream = RecordingUpstream()
        self.port = free_port()
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "nginx.conf"
        file.write_text(CONFIGURATION.format(directory=directory, port=self.port, upstream=self.upstream.port))
        self.process = subprocess.Popen([NGINX, "-p", str(directory), "-c", str(file), "-e", str(directory / "start.log")])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/", timeout=1)
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError("nginx does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.upstream.stop()
