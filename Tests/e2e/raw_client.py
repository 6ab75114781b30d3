"""A client that sends exactly the bytes of a test and reads answers as they stand on the wire."""

import json
import socket
import time

from gateway import KEY


def post(path, body, headers=(), version="1.1", key=KEY):
    """A whole request with a body of known length."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/{version}", "host: gateway", f"authorization: Bearer {key}",
             f"content-length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def chat(model, stream=False, **arguments):
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}], "stream": stream}
    return post("/v1/chat/completions", body, **arguments)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class RawClient:
    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return data

    def until(self, marker):
        while marker not in self.buffer:
            if not self.more():
                raise AssertionError(f"closed before {marker!r}: {self.buffer[-300:]!r}")
        head, _, self.buffer = self.buffer.partition(marker)
        return head

    def answer(self, has_body=True):
        """The next answer; a chunked body is joined, one without a length lasts until the end of the connection."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        body = b""
        if status == 100 or not has_body:
            pass
        elif headers.get("transfer-encoding") == "chunked":
            while size := int(self.until(b"\r\n"), 16):
                body += self.take(size)
                assert self.take(2) == b"\r\n"
            assert self.take(2) == b"\r\n"
        elif "content-length" in headers:
            body = self.take(int(headers["content-length"]))
        else:
            body = self.rest()
        return Answer(status, headers, body)

    def take(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise AssertionError(f"closed {count - len(self.buffer)} bytes too early")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def rest(self):
        while self.more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def is_closed(self, seconds=1.5):
        """Whether the gateway ends the connection in time without another byte."""
        self.socket.settimeout(seconds)
        try:
            return self.buffer == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def wait_for(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
