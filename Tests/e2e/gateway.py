"""Starts the program as a user would and talks to it."""

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("PATCHBAY_BINARY", ROOT / ".build/release/patchbay"))
ADMIN_TOKEN = "test-admin-token-0123456789"
KEY = "sk-client-1-abcdefgh"


def configuration(sites, port, admin_port, extra="", keys=None):
    keys = keys or f'- {{ name: dev, key: {KEY}, models: ["*"] }}'
    return f"""
gateway: {{ listen: "127.0.0.1:{port}" }}
admin: {{ listen: "127.0.0.1:{admin_port}", token: {ADMIN_TOKEN} }}
egress: {{ allow: ["127.0.0.0/8"] }}
prices:
  gpt-4o-mini: {{ input: 0.15, output: 0.60, cached_input: 0.075 }}
  gpt-4o: {{ input: 2.5, output: 10 }}
  claude-haiku-5: {{ input: 1, output: 5, cached_input: 0.1 }}
  gemini-3-flash: {{ input: 0.5, output: 3, cached_input: 0.05 }}
sites:
{sites}
keys:
  {keys}
{extra}
"""


def openai_site(url, name="alpha", key="sk-upstream-1"):
    return f"""  - name: {name}
    platform: openai
    base_url: {url}
    accounts:
      - name: main
        credential: {{ kind: api_key, api_key: {key} }}
        models: [gpt-4o-mini, {{ upstream: gpt-4o-2024-08-06, as: gpt-4o }}]
"""


def anthropic_site(url, name="beta", key="sk-ant-upstream-1"):
    return f"""  - name: {name}
    platform: anthropic
    base_url: {url}
    accounts:
      - name: main
        credential: {{ kind: api_key, api_key: {key} }}
        models: [claude-haiku-5, {{ upstream: claude-sonnet-5, as: claude-sonnet }}]
"""


def gemini_site(url, name="delta", key="AIza-upstream-1"):
    return f"""  - name: {name}
    platform: gemini
    base_url: {url}
    accounts:
      - name: main
        credential: {{ kind: api_key, api_key: {key} }}
        models: [gemini-3-flash, {{ upstream: gemini-2.5-pro, as: gemini-pro }}]
"""


def responses_site(url, name="gamma", key="sk-upstream-1", formats="openai.responses"):
    return f"""  - name: {name}
    platform: openai
    base_url: {url}
    formats: [{formats}]
    accounts:
      - name: main
        credential: {{ kind: api_key, api_key: {key} }}
        models: [gpt-5-mini, {{ upstream: gpt-5-2025-08-07, as: gpt-5 }}]
"""


class Gateway:
    def __init__(self, directory, text, arguments=(), environment=None):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / "patchbay.yaml"
        self.config.write_text(text)
        self.arguments = list(arguments)
        self.environment = {**os.environ, **(environment or {})}
        self.log = self.directory / "gateway.log"
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(BINARY), "serve", "--config", str(self.config), "--data", str(self.directory / "data"),
                 *self.arguments],
                stdout=log, stderr=subprocess.STDOUT, env=self.environment)
        return self

    def wait_ready(self, port, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=1).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"the gateway is not ready:\n{self.log.read_text()}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def steady_port():
    """A port that no outgoing connection is given by chance, for a gateway that ends and comes back to it."""
    import random
    import socket
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(min(20000, first // 2), first)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Running:
    """A gateway with its ports and clients."""

    def __init__(self, directory, sites, extra="", keys=None, arguments=()):
        self.port, self.admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{self.admin_port}/api/v1"
        text = configuration(sites, self.port, self.admin_port, extra, keys)
        self.gateway = Gateway(directory, self.configure(text), arguments)
        self.gateway.start().wait_ready(self.port).wait_ready(self.admin_port)
        self.gemini_clients = {}
        self.admin = httpx.Client(
            base_url=self.admin_url, headers={"authorization": f"Bearer {ADMIN_TOKEN}"}, timeout=10)

    def configure(self, text):
        """A place for variants to change the configuration."""
        return text

    def stop(self):
        self.admin.close()
        self.gateway.stop()

    def openai(self, key=KEY):
        import openai
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=20)

    def anthropic(self, key=KEY):
        import anthropic
        return anthropic.Anthropic(base_url=self.url, api_key=key, max_retries=0, timeout=20)

    def gemini(self, key=KEY, version=None):
        """A client; it closes when nobody holds it, so it is kept."""
        from google import genai
        if (key, version) in self.gemini_clients:
            return self.gemini_clients[key, version]
        options = genai.types.HttpOptions(
            base_url=self.url, timeout=20_000, retry_options=genai.types.HttpRetryOptions(attempts=1))
        if version:
            options.api_version = version
        client = self.gemini_clients[key, version] = genai.Client(api_key=key, http_options=options)
        return client

    def request_rows(self, **query):
        rows, cursor = [], None
        while True:
            page = self.admin.get("/requests", params={**query, **({"cursor": cursor} if cursor else {})}).json()
            rows += page["data"]
            cursor = page["next"]
            if not cursor:
                return rows

    def row(self, request_id, seconds=5):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.admin.get(f"/requests/{request_id}")
            if answer.status_code == 200:
                return answer.json()
            time.sleep(0.05)
        raise AssertionError(f"no row for {request_id}")
